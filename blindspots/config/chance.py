"""What in a config cannot be done with nets that answer by chance (`draws`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from blindspots.config import methods
from blindspots.interface import InputError

Config = dict[str, Any]

CERTAIN = {"radii", "curves", "gradients", "looseness"}
"""Evidence of tables and figures whose measurements show an image once."""


def chance_faults(config: Config) -> Iterator[str]:
    """A line for each use of a net with `draws` where answers must be the same each time.

    Args:
        config: as a whole, whose names are known.
    """
    drawn = {name for name, net in config["nets"].items() if net["draws"] is not None}
    if not drawn:
        return
    for key, nets in _shown_once(config):
        for net in dict.fromkeys(nets):
            if net in drawn:
                yield (
                    f"{key}: expected nets that answer the same each time, found {net} with draws; "
                    "leave it out"
                )


def _shown_once(config: Config) -> Iterator[tuple[str, list[str]]]:
    """Keys, and the nets that they stand for."""
    for name, data in config["datasets"].items():
        yield f"datasets.{name}.parents", [*(data.get("parents") or {}).values()]
    for name, units in config["units"].items():
        reference = units["reference"]
        yield f"units.{name}", [*units["nets"], *([reference["net"]] if reference else [])]
    for section, role in (("tables", "analyses"), ("figures", "figures")):
        for name, summary in config[section].items():
            experiments = [summary["experiment"], *summary["more_experiments"]]
            shown = [config["experiments"][e] for e in experiments if e is not None]
            if CERTAIN & _inputs(role, summary["method"]):
                yield (
                    f"{section}.{name}",
                    [net for e in shown for net in e["sources"] + e["victims"]],
                )


def _inputs(role: str, method: str) -> set[str]:
    try:
        return set(methods.inputs(role, method))
    except InputError:
        return set()  # reported with the methods
