"""Full form of a short config: everything that a user may omit or abbreviate, written out.

All later steps see only the full form, which is a config, too: both describe the same run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from blindspots.config import experiments, methods, reporting, traits
from blindspots.config.defaults import PARTS, default_faults, lay_under, method_of
from blindspots.config.drafts import Config, Draft, UnfinishedError, copied
from blindspots.config.instances import ROLES, SUMMARIES
from blindspots.config.naming import (
    Named,
    checkpoints_of,
    group_faults,
    is_several,
    resolved,
    with_checkpoints,
)
from blindspots.config.values import listed
from blindspots.config.variants import Variants
from blindspots.config.wording import KeyPath

SPLITS = {"validation": 0, "p1": 0.5, "p2": 0.5}
"""Default splits: every training image is in P1 or in P2, as in the paper."""

MACHINE = {"device": "auto", "threads": 1, "chunk": 1024}

ORDER = (
    "run", "under", "seeds", "data", "datasets", "splits", "nets", "attacks", "certificates",
    "measurements", "experiments", "tables", "figures", "machine",
)  # fmt: skip
"""Sections of the full form, in order."""

KEYS = {
    "nets": ("label", "model", "parents", "data", "trainer", "train_on", "weights", "draws"),
    "experiments": ("attack", "attacks", "data", "part", "n", "sources", "victims"),
}
"""First keys of an entry in the full form, in order."""


def expand(short: Mapping[str, Any], removed: Mapping[KeyPath, bool] | None = None) -> Draft:
    """Write out a short config; a full one stays as it is.

    Args:
        short: config that fits the schema; it is not changed.
        removed: paths of keys that null removes, each with whether an earlier file gave it a value.
            If none did, it must be a key that is generated here.
    """
    draft = Draft(copied(dict(short)), {**(removed or {})})
    with suppress(UnfinishedError):
        _write_out(draft)
        draft.faults = draft.strays() or draft.faults
    return draft


def _write_out(draft: Draft) -> None:
    config = draft.config
    for section in ("nets", "attacks", "experiments"):
        config.setdefault(section, {})
    variants = Variants(draft)
    config.setdefault("seeds", [0])
    config["splits"] = SPLITS | config.get("splits", {})
    config["machine"] = MACHINE | config.get("machine", {})
    if "data" in config:
        config["data"] = method_of(config["data"])
    _name_methods(draft)
    _complete_nets(draft)
    if draft.faults:
        raise UnfinishedError
    groups = {name: listed(names) for name, names in config.pop("groups", {}).items()}
    nets = _multiplied(draft, "nets", "a net")
    variants.settle(draft, "nets")
    names = dict.fromkeys(with_checkpoints(nets.entries, config["nets"]))
    made = {**nets.instances} | checkpoints_of(nets.instances, config["nets"])
    nets = nets._replace(entries=names, matched=names, groups=groups, instances=made)
    draft.faults += group_faults(groups, nets)
    attacks = _multiplied(draft, "attacks", "an attack")
    variants.settle(draft, "attacks")
    named, titles = experiments.write_out(draft, nets, attacks, variants)
    usual = traits.constants("certificates", "BY_DEFAULT") if config["experiments"] else {}
    config.setdefault("certificates", {name: {"method": method} for method, name in usual.items()})
    _multiplied(draft, "certificates", "a certificate")
    _name_nets(draft, nets, named)
    _name_subjects(draft, named, variants)
    if not draft.faults:
        reporting.add(config, titles, draft.asked, draft.faults)
    if draft.faults:
        return
    for section in SUMMARIES:
        draft.take_away(section)
    for section, keys in KEYS.items():
        config[section] = {name: _ordered(e, keys) for name, e in config[section].items()}
    draft.config = _ordered(config, ORDER)


def _name_methods(draft: Draft) -> None:
    """Fill in the method of each entry; one that names none is called like its method."""
    for section, role in ROLES.items():
        entries = draft.config.get(section, {})
        for name, entry in entries.items():
            entry = method_of(entry)
            if "method" not in entry:
                if name not in methods.names(role):
                    draft.faults.append(
                        f"{section}.{name}: expected the key 'method', or a name that is one of "
                        f"{', '.join(methods.names(role))}, found neither; add method"
                    )
                entry = {"method": name, **entry}
            if "model" in entry and section == "measurements":
                entry["model"] = method_of(entry["model"])
                if "method" not in entry["model"]:
                    key = f"{section}.{name}.model"
                    draft.faults.append(f"{key}: expected the key 'method', found none; add it")
            entries[name] = entry


def _complete_nets(draft: Draft) -> None:
    """Complete the model and the trainer of each net from the defaults."""
    nets, defaults = draft.config["nets"], draft.config.pop("defaults", {})
    for holder in (defaults, *nets.values()):
        holder |= {part: method_of(holder[part]) for part in PARTS if part in holder}
    draft.made |= lay_under(nets, defaults, draft.without_default(defaults))
    draft.faults += default_faults(nets, defaults)
    for name, net in nets.items():
        for part in PARTS:
            if part in net and "method" not in net[part]:
                key = f"nets.{name}.{part}"
                draft.faults.append(f"{key}: expected the key 'method', found none; add it")
        if "model" not in net:
            draft.faults.append(
                f"nets.{name}: expected the key 'model', found none; add it, or defaults.model"
            )


def _multiplied(draft: Draft, section: str, what: str) -> Named:
    """Write out the entries of a section that are several, and return the names of all."""
    several = draft.multiply(section)
    draft.take_away(section)
    names = draft.config[section].keys()
    there = {name: [one for one in made if one in names] for name, made in several.items()}
    return Named(what, names, names, {}, there)


def _name_nets(draft: Draft, nets: Named, named: Named) -> None:
    """Resolve the names of nets and experiments in certificates and measurements."""
    config, faults = draft.config, draft.faults
    used = {net for e in config["experiments"].values() for net in [*e["sources"], *e["victims"]]}
    measured = nets._replace(matched=[net for net in nets.entries if net in used])
    for section, lists in (
        ("certificates", {"nets": measured}),
        ("measurements", {"nets": nets, "experiments": named}),
    ):
        for name, entry in config.get(section, {}).items():
            for key, among in lists.items():
                if entry.get(key, "all") != "all":
                    entry[key] = resolved(f"{section}.{name}.{key}", entry[key], among, faults)


def _name_subjects(draft: Draft, named: Named, variants: Variants) -> None:
    """Write out measurements, tables and figures that are several, and resolve their subjects."""
    config, faults = draft.config, draft.faults
    subjects = {"experiment": named}
    if "measurements" in config:
        subjects["measurement"] = _multiplied(draft, "measurements", "a measurement")
    for section in SUMMARIES:
        for name, entry in config.get(section, {}).items():
            key = f"{section}.{name}"
            for subject, among in subjects.items():
                if subject in entry and is_several(entry[subject], among):
                    entry[subject] = resolved(f"{key}.{subject}", entry[subject], among, faults)
            more = "more_experiments"
            if more in entry and "experiment" in entry:
                entry[more] = resolved(f"{key}.{more}", entry[more], named, faults)
        if section in config:
            draft.multiply(section)
    variants.settle(draft, "tables")


def _ordered(mapping: Config, first: Sequence[str]) -> Config:
    return {name: mapping[name] for name in first if name in mapping} | mapping
