"""Check a config before anything runs: a line for each fault, with its key and its remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from blindspots import methods, provenance
from blindspots._method_faults import method_faults
from blindspots._schema_faults import schema_faults
from blindspots.interface import InputError

Config = dict[str, Any]

OWN_KEYS = {
    "datasets": {"method", "name", "root"},
    "models": {"method"},
    "trainers": {"method"},
    "attacks": {"method", "target"},
    "certificates": {"method"},
    "analyses": {"method", "experiment", "title"},
    "figures": {"method", "experiment", "title"},
}
"""Keys beside a method's settings that belong to the workflow, by role."""


def check(raw: Any, schema: Mapping[str, Any], where: str = "config") -> Config:
    """Check a config and fill in what may be left out.

    Args:
        raw: as read from YAML. Text such as "1e-4", a string to YAML, becomes a number.
        schema: of the config (schemas/config.schema.yaml).
        where: the config's file, for the messages.

    Returns:
        A new config in which every optional key is present.

    Raises:
        InputError: one line for each fault.
    """
    config = _numbers(raw)
    faults = list(schema_faults(config, schema))
    if not faults:
        _fill_in(config)
        faults = list(_reference_faults(config))
        for key, role, instance in instances(config):
            faults += method_faults(key, role, instance, method_settings(instance, role))
    if faults:
        raise InputError("\n".join(f"{where}: {fault}" for fault in faults))
    return config


def instances(config: Config) -> Iterator[tuple[str, str, Config]]:
    """Every use of a method in a config: its key, its role and the mapping that names it."""
    yield "data", "datasets", config["data"]
    for name, net in config["nets"].items():
        yield f"nets.{name}.model", "models", net["model"]
        if net["trainer"] is not None:
            yield f"nets.{name}.trainer", "trainers", net["trainer"]
    for section, role in (
        ("attacks", "attacks"),
        ("certificates", "certificates"),
        ("tables", "analyses"),
        ("figures", "figures"),
    ):
        for name, instance in config[section].items():
            yield f"{section}.{name}", role, instance


def method_settings(instance: Config, role: str) -> Config:
    """The settings of an instance that are its method's own."""
    return {key: value for key, value in instance.items() if key not in OWN_KEYS[role]}


def _numbers(value: Any) -> Any:
    """A copy in which text such as "1e-4" is a number, a whole one where it is one."""
    if isinstance(value, Mapping):
        return {str(key): _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+", value):
        number = float(value)
        return int(number) if number.is_integer() else number
    return value


def _fill_in(config: Config) -> None:
    data = config["data"]
    data.setdefault("root", None)
    if "name" not in data:
        settings = method_settings(data, "datasets")
        data["name"] = data["method"].rpartition(":")[2]
        if settings or ":" in data["method"]:  # other settings are another dataset
            data["name"] += "-" + provenance.settings_hash([data["method"], settings])[:8]
    for name, net in config["nets"].items():
        net.setdefault("label", name)
        net.setdefault("parents", {})
        for key in ("trainer", "train_on", "weights"):
            net.setdefault(key, None)
    for attack in config["attacks"].values():
        attack.setdefault("target", "random")
    for experiment in config["experiments"].values():
        experiment.setdefault("controls", [])
        experiment.setdefault("controls_n", experiment["n"])
        experiment.setdefault("amplify", [])
        experiment.setdefault("clip", True)
    for section in ("tables", "figures"):
        for name, summary in config[section].items():
            summary.setdefault("title", name)
    if config["lipschitz"]["nets"] == "all":
        config["lipschitz"]["nets"] = [net for net in config["nets"] if net in _in_use(config)]


def _in_use(config: Config) -> set[str]:
    experiments = config["experiments"].values()
    return {net for e in experiments for net in e["sources"] + e["victims"]}


def _reference_faults(config: Config) -> Iterator[str]:
    nets, attacks, experiments = config["nets"], config["attacks"], config["experiments"]
    for name, net in nets.items():
        yield from _net_faults(name, net, nets)
    yield from _cycles(nets)
    for name in nets.keys() & attacks.keys():
        yield f"attacks.{name}: expected a name that no net has, found that of a net; rename it"
    for name, experiment in experiments.items():
        key = f"experiments.{name}"
        yield from _unknown(f"{key}.attack", experiment["attack"], attacks, "an attack")
        for control in experiment["controls"]:
            yield from _unknown(f"{key}.controls", control, attacks, "an attack")
            if control in attacks and methods.needs_model(attacks[control]["method"]):
                yield (
                    f"{key}.controls: expected an attack that needs no model, such as gaussian, "
                    f"found {control}"
                )
        for role in ("sources", "victims"):
            for net in experiment[role]:
                yield from _unknown(f"{key}.{role}", net, nets, "a net")
    for section in ("tables", "figures"):
        for name, summary in config[section].items():
            key = f"{section}.{name}"
            wanted = summary["experiment"]
            yield from _unknown(f"{key}.experiment", wanted, experiments, "an experiment")
            if wanted in experiments and "panels" in summary:
                yield from _panel_faults(f"{key}.panels", summary["panels"], experiments[wanted])
    for net in config["lipschitz"]["nets"]:
        yield from _unknown("lipschitz.nets", net, nets, "a net")
        if net in nets and net not in _in_use(config):
            yield f"lipschitz.nets: expected nets of the experiments, found {net}; leave it out"


def _net_faults(name: str, net: Config, nets: Config) -> Iterator[str]:
    key = f"nets.{name}"
    if (net["trainer"] is None) == (net["weights"] is None):
        found = "neither" if net["trainer"] is None else "both"
        yield f"{key}: expected either trainer or weights, found {found}"
    elif (net["trainer"] is None) != (net["train_on"] is None):
        remedy = "add train_on: train" if net["train_on"] is None else "remove train_on"
        yield f"{key}: expected train_on beside a trainer and nowhere else; {remedy}"
    for role, parent in net["parents"].items():
        yield from _unknown(f"{key}.parents.{role}", parent, nets, "a net")
    try:
        settings = methods.settings("models", net["model"]["method"])
    except InputError:
        return  # reported with the methods
    if settings is not None and net["parents"] and "parents" not in settings[0]:
        yield f"{key}.parents: expected none for {net['model']['method']}, found some; remove them"
    if settings is not None and not net["parents"] and "parents" in settings[1]:
        yield f"{key}: expected parents for {net['model']['method']}, found none; add them"


def _panel_faults(key: str, panels: list[Config], experiment: Config) -> Iterator[str]:
    for panel in panels:
        for role in ("source", "victim", "control"):
            if role in panel:
                known = dict.fromkeys(experiment[f"{role}s"])
                yield from _unknown(f"{key}.{role}", panel[role], known, f"a {role}", "experiment")


def _unknown(
    key: str, found: str, known: Mapping[str, Any], what: str, of: str = "config"
) -> Iterator[str]:
    if found not in known:
        hint = methods.did_you_mean(found, known)
        yield f"{key}: expected {what} of this {of} ({', '.join(known)}), found {found!r}{hint}"


def _cycles(nets: Config) -> Iterator[str]:
    for name in nets:
        line, seen = list(nets[name]["parents"].values()), set()
        while line:
            parent = line.pop()
            if parent == name:
                yield f"nets.{name}.parents: expected no cycle, found one through {name}"
                return
            if parent in nets and parent not in seen:
                seen.add(parent)
                line += nets[parent]["parents"].values()
