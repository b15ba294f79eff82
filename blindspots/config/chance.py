"""Faults in a config that uses stochastic nets (`draws`) where nets must be deterministic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from blindspots.config import methods
from blindspots.config.instances import ROLES, SUMMARIES
from blindspots.config.measurements import asked, declared
from blindspots.interface import InputError

Config = dict[str, Any]


def chance_faults(config: Config) -> Iterator[str]:
    """Yield a line for each use of a net with `draws` that needs the same answers each time.

    Args:
        config: the whole config, without unknown names.
    """
    drawn = {name for name, net in config["nets"].items() if net["draws"] is not None}
    if not drawn:
        return
    for key, nets in _shown_once(config):
        for net in dict.fromkeys(nets):
            if net in drawn:
                yield f"{key}: expected deterministic nets, found {net} with draws; leave it out"


def _shown_once(config: Config) -> Iterator[tuple[str, list[str]]]:
    """Iterate over the keys that need deterministic nets, each with the nets that it uses."""
    for name, net in config["nets"].items():
        if net["draws"] is None and _is_built_from_nets(net["model"]["method"]):
            yield f"nets.{name}.parents", [*net["parents"].values()]
    for name, data in config["datasets"].items():
        yield f"datasets.{name}.parents", [*(data.get("parents") or {}).values()]
    for name, entry in config["measurements"].items():
        what = declared(entry)
        if what is None or what.chance:
            continue
        yield f"measurements.{name}.parents", [*entry["parents"].values()]
        if what.subject == "net" or "nets" in asked(entry):
            yield f"measurements.{name}", entry["nets"]
        for of in entry.get("experiments", []):
            if (experiment := config["experiments"].get(of)) is not None:  # else it is unknown
                for key in _asking(config, of, what.given) or [f"measurements.{name}"]:
                    yield key, experiment["sources"] + experiment["victims"]


def _is_built_from_nets(model: str) -> bool:
    with suppress(InputError):  # reported with the methods
        return methods.takes("models", model, "parents")
    return False


def _asking(config: Config, experiment: str, given: tuple[str, ...]) -> list[str]:
    """Return the tables and figures of an experiment that read a measurement's tables."""
    return [
        f"{section}.{name}"
        for section in SUMMARIES
        for name, summary in config[section].items()
        if experiment in (summary["experiment"], *summary["more_experiments"])
        and not _inputs(ROLES[section], summary["method"]).isdisjoint(given)
    ]


def _inputs(role: str, method: str) -> set[str]:
    try:
        return set(methods.inputs(role, method))
    except InputError:
        return set()  # reported with the methods
