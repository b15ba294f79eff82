"""The full form of a short config: what a user may leave out or put in a few words, written out.

Everything behind it sees the full form alone, which is a config, too: both are the same run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from blindspots.config import methods, reporting
from blindspots.config.datasets import plain_in
from blindspots.config.defaults import PARTS, default_faults, lay_under, method_of
from blindspots.config.instances import ROLES, instances
from blindspots.config.naming import Named, group_faults, is_several, resolved
from blindspots.config.removals import stray
from blindspots.config.wording import key_of
from blindspots.interface import InputError

Config = dict[str, Any]
Way = tuple[str, ...]

SPLITS = {"validation": 0, "p1": 0.5, "p2": 0.5}
"""All images are in P1 or in P2, as in the paper."""

MACHINE = {"device": "auto", "threads": 1, "chunk": 1024}

EXPERIMENT = {"part": "test", "n": 256}

ORDER = (
    "run", "seeds", "data", "datasets", "splits", "nets", "attacks", "certificates", "measurements",
    "experiments", "tables", "figures", "machine",
)  # fmt: skip
"""The sections of the full form."""


KEYS = {
    "nets": ("label", "model", "parents", "data", "trainer", "train_on", "weights", "draws"),
    "experiments": ("attack", "attacks", "data", "part", "n", "sources", "victims"),
}
"""The order of an entry's first keys in the full form."""


@dataclass
class Expanded:
    """A config in its full form.

    Attributes:
        config: which has no defaults, groups, patterns, report sets and lists for single values.
        made: by key that the user did not write, the key that it is made of.
        asked: by key of a table or a figure of a report set, the key that asks for it.
        faults: a line for each fault.
    """

    config: Config
    made: dict[str, str] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def expand(short: Mapping[str, Any], removed: Mapping[Way, bool] | None = None) -> Expanded:
    """Write a short config out; a full one stays as it is.

    Args:
        short: that fits the schema; it is left as it is.
        removed: ways to keys that null removes, each with whether a file gave it a value before.
            Where none did, it is to be a key that is made here.
    """
    found, left_out = Expanded(_copied(dict(short))), _LeftOut({**(removed or {})})
    _write_out(found, left_out)
    found.faults = left_out.faults() or found.faults
    return found


def _write_out(found: Expanded, left_out: _LeftOut) -> None:
    config = found.config
    for section in ("nets", "attacks", "experiments"):
        config.setdefault(section, {})
    config.setdefault("seeds", [0])
    config["splits"] = SPLITS | config.get("splits", {})
    config["machine"] = MACHINE | config.get("machine", {})
    if "data" in config:
        config["data"] = method_of(config["data"])
    _name_methods(found)
    several = _nets(found, left_out)
    if found.faults:
        return
    names = config["nets"].keys()
    groups = {name: _list(listed) for name, listed in config.pop("groups", {}).items()}
    nets = Named("a net", names, names, groups, several)
    found.faults += group_faults(nets.groups, nets)
    attacks = _entries(found, "attacks", left_out)
    titles, experiments = _experiments(found, left_out, nets, attacks)
    if "certificates" not in config and config["experiments"]:
        config["certificates"] = {"product": {"method": "lipschitz"}}
    config.setdefault("certificates", {})
    _entries(found, "certificates", left_out)
    measured = _entries(found, "measurements", left_out) if "measurements" in config else {}
    _lists(found, nets, experiments)
    _summaries(found, experiments, measured)
    if not found.faults:
        reporting.add(config, titles, found.asked, found.faults)
    for section in ("tables", "figures"):
        left_out.apply(section, config.get(section, {}))
    for section, keys in KEYS.items():
        for name, entry in config[section].items():
            config[section][name] = _ordered(entry, keys)
    found.config = _ordered(config, ORDER)


class _LeftOut:
    """Ways to keys that null removes, each with whether there was something to remove."""

    def __init__(self, ways: dict[Way, bool]) -> None:
        self.ways = ways

    def apply(self, section: str, entries: Config) -> None:
        """Remove from the entries of a section what null names."""
        for way in self.ways:
            if len(way) == 2 and way[0] == section and way[1] in entries:
                del entries[way[1]]
                self.ways[way] = True

    def parts(self, defaults: Config) -> dict[str, set[str]]:
        """By net, the parts whose default it does without."""
        found: dict[str, set[str]] = {}
        for way in self.ways:
            if len(way) == 3 and way[0] == "nets" and way[2] in defaults:
                found.setdefault(way[1], set()).add(way[2])
                self.ways[way] = True
        return found

    def faults(self) -> list[str]:
        return [stray(way) for way, used in self.ways.items() if not used]


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _copied(inside) for name, inside in value.items()}
    return [_copied(inside) for inside in value] if isinstance(value, list) else value


def _name_methods(found: Expanded) -> None:
    """Give each entry its method: one that names none is called as its own."""
    for section, role in ROLES.items():
        entries = found.config.get(section, {})
        for name, entry in entries.items():
            entry = method_of(entry)
            if "method" not in entry:
                if name not in methods.names(role):
                    found.faults.append(
                        f"{section}.{name}: expected the key 'method', or a name that is one of "
                        f"{', '.join(methods.names(role))}, found neither; add method"
                    )
                entry = {"method": name, **entry}
            if "model" in entry and section == "measurements":
                entry["model"] = method_of(entry["model"])
            entries[name] = entry


def _nets(found: Expanded, left_out: _LeftOut) -> dict[str, list[str]]:
    """Write out the nets; the names of those that are several, with their instances."""
    config, defaults = found.config, found.config.pop("defaults", {})
    for holder in (defaults, *config["nets"].values()):
        holder |= {part: method_of(holder[part]) for part in PARTS if part in holder}
    made = lay_under(config["nets"], defaults, left_out.parts(defaults))
    found.made |= made
    found.faults += default_faults(config["nets"], defaults)
    for name, net in config["nets"].items():
        for part in PARTS:
            if "method" not in net.get(part, {"method": None}):
                found.faults.append(
                    f"nets.{name}.{part}: expected the key 'method', found none; add it"
                )
        if "model" not in net:
            found.faults.append(
                f"nets.{name}: expected the key 'model', found none; add it, or defaults.model"
            )
    return _entries(found, "nets", left_out)


def _entries(found: Expanded, section: str, left_out: _LeftOut) -> dict[str, list[str]]:
    """Put the instances of entries that are several in their place; by name, those of each."""
    several: dict[str, list[str]] = {}
    entries: Config = {}
    for name, entry in found.config[section].items():
        made = instances(section, name, entry)
        if made[0].sources:
            several[name] = [one.name for one in made]
        for one in made:
            if one.name in entries or (one.name != name and one.name in found.config[section]):
                found.faults.append(
                    f"{section}.{name}: expected a list whose values make names of their own, "
                    f"found that {one.name} is there twice; rename one"
                )
            entries[one.name] = _copied(one.entry)
            if one.name != name:
                found.made[f"{section}.{one.name}"] = f"{section}.{name}"
            for way, source in one.sources.items():
                found.made[key_of([section, one.name, *way])] = key_of([section, name, *source])
    left_out.apply(section, entries)
    found.config[section] = entries
    return {name: [one for one in made if one in entries] for name, made in several.items()}


def _experiments(
    found: Expanded, left_out: _LeftOut, nets: Named, several: Mapping[str, list[str]]
) -> tuple[dict[str, str], Named]:
    """Write out the experiments; their titles, and what may name them."""
    config = found.config
    names = config["attacks"].keys()
    attacks = Named("an attack", names, names, {}, several)
    for name, entry in config["experiments"].items():
        if "attack" in entry and is_several(entry["attack"], attacks):
            key = f"experiments.{name}.attack"
            entry["attack"] = resolved(key, entry["attack"], attacks, found.faults)
    instances_of = _entries(found, "experiments", left_out)
    aimed = [name for name, attack in config["attacks"].items() if _needs_model(attack["method"])]
    plain = {
        n: plain_in(config, net.get("data"))
        for n, net in config["nets"].items()
        if _classifies(net)
    }
    titles = {}
    for name, entry in config["experiments"].items():
        key = found.made.get(f"experiments.{name}", f"experiments.{name}")
        if "title" in entry:
            titles[name] = entry.pop("title")
        if "attacks" in entry:
            entry["attacks"] = resolved(f"{key}.attacks", entry["attacks"], attacks, found.faults)
        elif "attack" not in entry and len(aimed) == 1:
            entry["attack"] = aimed[0]
        elif "attack" not in entry:
            found.faults.append(
                f"{key}: expected either attack or a list of attacks, found neither; name "
                f"{'one of ' + ', '.join(aimed) if aimed else 'one, and add it to attacks'}"
            )
        if "controls" in entry:
            entry["controls"] = resolved(
                f"{key}.controls", entry["controls"], attacks, found.faults
            )
        shown = plain_in(config, entry.get("data"))
        fitting = [net for net, dataset in plain.items() if dataset == shown]
        chosen = entry.pop("nets", fitting)
        for role in ("sources", "victims"):
            given, where = (entry[role], role) if role in entry else (chosen, "nets")
            entry[role] = resolved(
                f"{key}.{where}", given, nets._replace(matched=fitting), found.faults
            )
            if not entry[role] and not found.faults:
                found.faults.append(
                    f"{key}: expected nets that classify, found none; add some to nets"
                )
        config["experiments"][name] = EXPERIMENT | entry
    entries = config["experiments"].keys()
    return titles, Named("an experiment", entries, entries, {}, instances_of)


def _lists(found: Expanded, nets: Named, experiments: Named) -> None:
    """Resolve the names in the lists of certificates and measurements."""
    used = [
        net for e in found.config["experiments"].values() for net in [*e["sources"], *e["victims"]]
    ]
    for section, matched in (("certificates", used), ("measurements", nets.entries)):
        for name, entry in found.config.get(section, {}).items():
            known = {"nets": nets._replace(matched=[n for n in nets.entries if n in matched])}
            if section == "measurements":
                known["experiments"] = experiments
            for key, among in known.items():
                if entry.get(key, "all") != "all":
                    where = f"{section}.{name}.{key}"
                    entry[key] = resolved(where, entry[key], among, found.faults)


def _summaries(found: Expanded, experiments: Named, measured: Mapping[str, list[str]]) -> None:
    """Write out the tables and figures that the config names itself."""
    entries = found.config.get("measurements", {}).keys()
    subjects = {
        "experiment": experiments,
        "measurement": Named("a measurement", entries, entries, {}, measured),
    }
    nothing = _LeftOut({})
    for section in ("tables", "figures"):
        for name, entry in found.config.get(section, {}).items():
            for subject, among in subjects.items():
                if subject in entry and is_several(entry[subject], among):
                    key = f"{section}.{name}.{subject}"
                    entry[subject] = resolved(key, entry[subject], among, found.faults)
            if "more_experiments" in entry and "experiment" in entry:
                key = f"{section}.{name}.more_experiments"
                entry["more_experiments"] = resolved(
                    key, entry["more_experiments"], experiments, found.faults
                )
        if section in found.config:
            _entries(found, section, nothing)


def _needs_model(attack: str) -> bool:
    with suppress(InputError):  # said with the methods
        return methods.needs_model(attack)
    return True


def _classifies(net: Config) -> bool:
    """Whether a net gives logits, as all models do whose module does not say otherwise."""
    with suppress(InputError):  # said with the methods
        return methods.declared("models", net["model"]["method"], "OUTPUT") != "images"
    return True


def _ordered(mapping: Config, first: Sequence[str]) -> Config:
    return {name: mapping[name] for name in first if name in mapping} | mapping


def _list(names: Any) -> list[Any]:
    return names if isinstance(names, list) else [names]
