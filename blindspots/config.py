"""Check a config before anything runs: a line for each fault, with its key and its remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from blindspots import methods
from blindspots.interface import InputError

Config = dict[str, Any]

PROVIDED = {
    "datasets": {"root"},
    "models": {"parents"},
    "trainers": {"progress", "decay_scale"},
    "attacks": {"box", "classes", "seed", "rows"},
    "certificates": set(),
    "analyses": {"labels"},
    "figures": {"labels"},
}
"""Settings that the workflow passes itself."""

OWN_KEYS = {"method", "name", "root", "target", "experiment", "title"}
"""Keys beside a method's settings that belong to the workflow."""


def check(raw: Mapping[str, Any], schema: Mapping[str, Any], where: str = "config") -> Config:
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
    config = _numbers(dict(raw))
    faults = list(_schema_faults(config, schema))
    if not faults:
        _fill_in(config)
        faults = list(_reference_faults(config)) + list(_method_faults(config))
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


def method_settings(instance: Config) -> Config:
    """The settings of an instance that are its method's own."""
    return {key: value for key, value in instance.items() if key not in OWN_KEYS}


def _numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+", value):
        return float(value)
    return value


def _fill_in(config: Config) -> None:
    config["data"].setdefault("root", None)
    config["data"].setdefault("name", config["data"]["method"].rpartition(":")[2])
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
        used = [
            net
            for experiment in config["experiments"].values()
            for net in experiment["sources"] + experiment["victims"]
            if net in config["nets"]  # others are a fault of their own
        ]
        config["lipschitz"]["nets"] = list(dict.fromkeys(used))


def _reference_faults(config: Config) -> Iterator[str]:
    nets = config["nets"]
    for name, net in nets.items():
        if (net["trainer"] is None) == (net["weights"] is None):
            found = "neither" if net["trainer"] is None else "both"
            yield f"nets.{name}: expected either trainer or weights, found {found}"
        elif net["trainer"] is not None and net["train_on"] is None:
            yield f"nets.{name}: expected train_on beside trainer, found none; add train_on: train"
        for role, parent in net["parents"].items():
            yield from _unknown(f"nets.{name}.parents.{role}", parent, nets, "a net")
    yield from _cycles(nets)
    for name, experiment in config["experiments"].items():
        key = f"experiments.{name}"
        yield from _unknown(f"{key}.attack", experiment["attack"], config["attacks"], "an attack")
        for control in experiment["controls"]:
            yield from _unknown(f"{key}.controls", control, config["attacks"], "an attack")
        for role in ("sources", "victims"):
            for net in experiment[role]:
                yield from _unknown(f"{key}.{role}", net, nets, "a net")
    for section in ("tables", "figures"):
        for name, summary in config[section].items():
            key = f"{section}.{name}.experiment"
            yield from _unknown(key, summary["experiment"], config["experiments"], "an experiment")
    for net in config["lipschitz"]["nets"]:
        yield from _unknown("lipschitz.nets", net, nets, "a net")


def _unknown(key: str, found: str, known: Mapping[str, Any], what: str) -> Iterator[str]:
    if found not in known:
        hint = methods.did_you_mean(found, known)
        yield f"{key}: expected {what} of this config ({', '.join(known)}), found {found!r}{hint}"


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


def _method_faults(config: Config) -> Iterator[str]:
    for key, role, instance in instances(config):
        try:
            settings = methods.settings(role, instance["method"])
            if role in ("analyses", "figures"):
                methods.inputs(role, instance["method"])
        except InputError as error:
            yield f"{key}.method: {error}"
            continue
        if settings is None:
            continue
        known, required = settings
        if role == "datasets" and instance["root"] is not None and "root" not in known:
            yield f"data.root: expected none for {instance['method']}, found {instance['root']!r}"
        given = method_settings(instance).keys()
        own = known - PROVIDED[role] | ({"decay_scale"} & known)
        for name in sorted(given - own):
            hint = methods.did_you_mean(name, own)
            yield (
                f"{key}: expected settings of {instance['method']} "
                f"({', '.join(sorted(own)) or 'none'}), found {name!r}{hint}"
            )
        for name in sorted(required - PROVIDED[role] - given):
            method = instance["method"]
            yield f"{key}: expected the setting {name!r} of {method}, found none; add it"


def _schema_faults(config: Config, schema: Mapping[str, Any]) -> Iterator[str]:
    errors = sorted(Draft202012Validator(schema).iter_errors(config), key=lambda e: str(e.path))
    faults = [_describe(error, schema) for error in errors]
    for fault in faults:
        # A misspelt key that is required is one fault, not two.
        key, _, missing = fault.partition(": expected the key ")
        hint = f"; did you mean {missing.partition(',')[0]}?"
        if not missing or not any(f.startswith(key) and f.endswith(hint) for f in faults):
            yield fault


def _describe(error: ValidationError, schema: Mapping[str, Any]) -> str:
    """A schema error in words: its key, what was expected and found, a hint for a misspelt key."""
    while error.context:  # of alternatives, the one that got furthest
        error = max(error.context, key=lambda e: (len(e.path), e.validator != "type"))
    key = ".".join(str(part) for part in error.absolute_path) or "top level"
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = next(name for name in error.instance if name not in known)
        hint = methods.did_you_mean(unknown, known)
        return f"{key}: expected only the keys {', '.join(known)}, found {unknown!r}{hint}"
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return f"{key}: expected the key {missing!r}, found none; add it"
    meaning = _description(error.absolute_schema_path, schema)
    return f"{key}: expected {_expected(error)} ({meaning}), found {error.instance!r}"


def _description(path: Iterable[str | int], schema: Mapping[str, Any]) -> str:
    """The last description on the way to a place in the schema, through references."""
    place: Any = schema
    description = schema["title"]
    for step in path:
        if isinstance(step, str) and step not in place:  # jsonschema leaves references out
            place = schema["$defs"][place["$ref"].rpartition("/")[2]]
        place = place[step]
        if isinstance(place, Mapping) and isinstance(place.get("description"), str):
            description = place["description"]
    return description


def _expected(error: ValidationError) -> str:
    limit = error.validator_value
    match error.validator:
        case "type":
            return " or ".join([limit] if isinstance(limit, str) else limit)
        case "minimum":
            return f"at least {limit}"
        case "maximum":
            return f"at most {limit}"
        case "exclusiveMinimum":
            return f"more than {limit}"
        case "exclusiveMaximum":
            return f"less than {limit}"
        case "enum":
            return f"one of {', '.join(map(str, limit))}"
        case "pattern":
            return "letters, digits, '.', '_' or '-', a letter or digit first"
        case "minItems" | "minProperties" | "minLength":
            return f"at least {limit}"
        case "uniqueItems":
            return "no entry twice"
        case "const":
            return repr(limit)
    return error.message
