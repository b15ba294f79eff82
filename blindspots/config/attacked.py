"""Attacked images, from tables of experiments, that nets such as a detector are trained on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from blindspots.config import methods
from blindspots.config.wording import unknown
from blindspots.interface import InputError

Config = dict[str, Any]


def fill_in(config: Config) -> None:
    """Fill in the attack if the experiment, itself filled in, has only one."""
    for net in config["nets"].values():
        for entry in net["attacked"].values():
            attacks = config["experiments"].get(entry["experiment"], {}).get("attacks", [])
            if len(attacks) == 1:
                entry.setdefault("attack", attacks[0])


def attacked_faults(key: str, net: Config, config: Config) -> Iterator[str]:
    """Yield a line for each unknown name, and for missing or needless attacked images.

    Args:
        key: key of the net in the config.
        net: the net's section.
        config: the whole config.
    """
    if net["attacked"] and net["trainer"] is None:
        yield f"{key}.attacked: expected none for a net without a trainer, found some; remove it"
        return
    for name, entry in net["attacked"].items():
        yield from _entry_faults(f"{key}.attacked.{name}", entry, config)
    if net["trainer"] is None:
        return
    method = net["trainer"]["method"]
    with suppress(InputError):  # reported with the methods
        settings = methods.settings("trainers", method)
        if settings is None:
            return
        if net["attacked"] and "attacked" not in settings[0]:
            yield f"{key}.attacked: expected none for {method}, which takes none; remove it"
        if not net["attacked"] and "attacked" in settings[1]:
            yield (
                f"{key}: expected attacked images for {method}, found none; add attacked: "
                "{NAME: {experiment: …, net: …}}"
            )


def _entry_faults(key: str, entry: Config, config: Config) -> Iterator[str]:
    name, experiments = entry["experiment"], config["experiments"]
    yield from unknown(f"{key}.experiment", name, experiments, "an experiment")
    if name not in experiments:
        return
    experiment, where = experiments[name], f"the experiment {name}"
    yield from unknown(f"{key}.net", entry["net"], experiment["sources"], "a source", where)
    if "attack" not in entry:
        found = ", ".join(experiment["attacks"])
        yield f"{key}: expected the key 'attack', as {name} has several ({found}), found none"
    else:
        yield from unknown(
            f"{key}.attack", entry["attack"], experiment["attacks"], "an attack", where
        )
    if experiment["part"] == "test":
        yield (
            f"{key}.experiment: expected attacked images of a part other than test, on which "
            f"errors are measured, found {name}; name one on train, P1, P2 or validation"
        )
