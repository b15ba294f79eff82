"""Checkpoints: the weights of a net at a step of its training, as nets such as FC100@1000."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from blindspots.config import traits
from blindspots.interface import InputError

Config = dict[str, Any]


def fill_in(nets: Config) -> None:
    """Insert the checkpoints of each net after it, as nets that are not trained themselves.

    Args:
        nets: nets by name, changed in place. Afterwards `checkpoint` holds the net and step of a
            checkpoint, and null for any other net.
    """
    found: Config = {}
    for name, net in nets.items():
        net["checkpoints"] = sorted(net.get("checkpoints", []))
        net["checkpoint"] = None
        found[name] = net
        for step in net["checkpoints"]:
            # No name in a config can contain an '@'.
            found[f"{name}@{step}"] = net | {
                "label": f"{net['label']} (step {step})",
                "trainer": None, "train_on": None, "checkpoints": [], "attacked": {},
                "checkpoint": {"net": name, "step": step},
            }  # fmt: skip
    nets.clear()
    nets.update(found)


def checkpoint_faults(key: str, net: Config) -> Iterator[str]:
    """Yield a line if a net has checkpoints but no trainer that keeps them.

    Args:
        key: key of the net in the config.
        net: the net's section.
    """
    if not net["checkpoints"]:
        return
    if net["trainer"] is None:
        yield f"{key}.checkpoints: expected none for a net without a trainer, found some"
        return
    method = net["trainer"]["method"]
    with suppress(InputError):  # reported with the methods
        if traits.decorator("trainers", method, "looped") is None:
            yield (
                f"{key}.checkpoints: expected a trainer that counts steps, one made by "
                f"trainers.loop.looped such as sgd, found {method}; remove checkpoints"
            )
