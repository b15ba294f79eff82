"""Experiments, written out: attacks, controls, sources and victims by name."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from blindspots.config import traits
from blindspots.config.datasets import plain_in
from blindspots.config.drafts import Draft
from blindspots.config.naming import Named, is_several, resolved, with_checkpoints
from blindspots.config.variants import Variants
from blindspots.interface import InputError

Config = dict[str, Any]

DEFAULTS = {"part": "test", "n": 256}


def write_out(
    draft: Draft, nets: Named, attacks: Named, variants: Variants
) -> tuple[Named, dict[str, str]]:
    """Write out the experiments of a config, in place.

    Args:
        draft: draft whose attacks and nets are written out.
        nets: names of nets that a list may contain.
        attacks: names of attacks that a list may contain.
        variants: the run's reading, and what is repeated under others.

    Returns:
        The names of experiments that a list may contain, and the titles of those that have one.
    """
    config, faults = draft.config, draft.faults
    for name, entry in config["experiments"].items():
        if "attack" in entry and is_several(entry["attack"], attacks):
            key = f"experiments.{name}.attack"
            entry["attack"] = resolved(key, entry["attack"], attacks, faults)
    repeated = variants.repeat_experiments(draft)
    several = draft.multiply("experiments")
    draft.take_away("experiments")
    classifiers = {
        name: plain_in(config, net.get("data"))
        for name, net in config["nets"].items()
        if _classifies(net)
    }
    titles = {}
    for name, entry in config["experiments"].items():
        key = draft.made.get(f"experiments.{name}", f"experiments.{name}")
        if "title" in entry:
            titles[name] = entry.pop("title")
        _name_attacks(key, entry, config, attacks, faults)
        _name_nets(key, entry, nets, _fitting(entry, config, classifiers), faults)
        config["experiments"][name] = DEFAULTS | entry
    if not faults:
        variants.finish_experiments(draft)
    names = config["experiments"].keys()
    several |= {
        name: [one for each in made for one in several.get(each, [each])]
        for name, made in repeated.items()
    }
    there = {name: [one for one in made if one in names] for name, made in several.items()}
    return Named("an experiment", names, names, {}, there), titles


def _name_attacks(
    key: str, entry: Config, config: Config, attacks: Named, faults: list[str]
) -> None:
    for name in ("attacks", "controls"):
        if name in entry:
            entry[name] = resolved(f"{key}.{name}", entry[name], attacks, faults)
    if not {"attack", "attacks"}.isdisjoint(entry):
        return
    aimed = [name for name, attack in config["attacks"].items() if _needs_model(attack["method"])]
    if len(aimed) == 1:
        entry["attack"] = aimed[0]
    else:
        remedy = f"name one of {', '.join(aimed)}" if aimed else "add one to attacks"
        faults.append(
            f"{key}: expected either attack or a list of attacks, found neither; {remedy}"
        )


def _name_nets(key: str, entry: Config, nets: Named, fitting: list[str], faults: list[str]) -> None:
    """Resolve sources and victims; patterns and groups choose among the nets that fit."""
    chosen = entry.pop("nets", [net for net in fitting if "@" not in net])
    nets = nets._replace(matched=fitting)
    for role in ("sources", "victims"):
        given, where = (entry[role], role) if role in entry else (chosen, "nets")
        entry[role] = resolved(f"{key}.{where}", given, nets, faults)
        if not entry[role] and not faults:
            faults.append(f"{key}: expected nets that classify, found none; add some to nets")


def _fitting(entry: Config, config: Config, classifiers: Mapping[str, str | None]) -> list[str]:
    """Return the nets on an experiment's dataset, or on another one made from the same images."""
    shown = plain_in(config, entry.get("data"))
    nets = [net for net, dataset in classifiers.items() if dataset == shown]
    return with_checkpoints(nets, config["nets"])


def _needs_model(attack: str) -> bool:
    with suppress(InputError):  # reported with the methods
        return traits.needs_model(attack)
    return True


def _classifies(net: Config) -> bool:
    """Return whether a net outputs logits, as every model does unless its module says otherwise."""
    with suppress(InputError):  # reported with the methods
        return traits.constant("models", net["model"]["method"], "OUTPUT") != "images"
    return True
