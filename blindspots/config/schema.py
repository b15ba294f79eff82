"""The schemas of a config and of the data of papers, and faults that they find, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from blindspots.config.checkout import workflow
from blindspots.config.lines import LOADER
from blindspots.config.methods import did_you_mean
from blindspots.config.wording import key_of, shown

TYPES = {
    "object": "a mapping of keys",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}
"""Words for the types of JSON."""

# To JSON Schema 100.0 is an integer; to Python's slices and ranges it is not.
Validator = validators.extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)


@cache
def schema(name: str) -> Any:
    """Return one of the schemas in `schemas/`, such as "config"; it is not to be changed.

    Raises:
        InputError: no such file, as the package alone lacks them.
    """
    return yaml.load(workflow(f"schemas/{name}.schema.yaml").read_text("utf-8"), LOADER)


ENTRIES = {
    "models": "instance",
    "trainers": "instance",
    "attacks": "attack",
    "certificates": "certificate",
    "measurements": "measurement",
    "analyses": "summary",
    "figures": "summary",
}
"""Definition in the schema of an entry that names a method, by role."""


@cache
def own_keys(role: str) -> frozenset[str]:
    """Return the keys of an entry that belong to the workflow, not to its method."""
    whole = schema("config")
    if role in ENTRIES:
        return frozenset(whole["$defs"][ENTRIES[role]]["properties"])
    plain, entries = (whole["properties"][section] for section in ("data", "datasets"))
    derived = frozenset(entries["additionalProperties"]["properties"])
    return derived if role == "derived" else derived.union(plain["properties"])


def schema_faults(config: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each fault: its key, the values expected and found, a hint for a typo."""
    errors = sorted(Validator(schema).iter_errors(config), key=lambda e: str(e.path))
    # For several missing keys jsonschema has an error each, which does not name its key.
    faults = list(dict.fromkeys(line for error in errors for line in _described(error, schema)))
    for fault in faults:
        # A misspelt key that is required is one fault, not two.
        key, _, missing = fault.partition(": expected the key ")
        hint = f"; did you mean {missing.partition(',')[0]}?"
        beside = [f for f in faults if f.endswith(hint) and _around(f.partition(": ")[0]) == key]
        if not missing or not beside:
            yield fault


TOP = "top level"


def _around(key: str) -> str:
    return key.rpartition(".")[0] or TOP


def _described(error: ValidationError, schema: Mapping[str, Any]) -> Iterator[str]:
    while error.context:  # the alternative that fits furthest
        error = max(error.context, key=lambda e: (len(e.path), e.validator != "type"))
    key = key_of(error.absolute_path) or TOP
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        for unknown in (name for name in error.instance if name not in known):
            here, hint = key_of([*error.absolute_path, unknown]), did_you_mean(unknown, known)
            yield f"{here}: expected only the keys {', '.join(known)}, found {shown(unknown)}{hint}"
        return
    if error.validator == "required":
        for missing in error.validator_value:
            if missing not in error.instance:
                yield f"{key}: expected the key {missing!r}, found none; add it"
        return
    meaning = _description(error.absolute_schema_path, schema)
    remedy = "; put it in quotes" if _is_misread(error) else ""
    yield f"{key}: expected {_expected(error)} ({meaning}), found {shown(error.instance)}{remedy}"


def _description(path: Iterable[str | int], schema: Mapping[str, Any]) -> str:
    """Return the last description on the way to a place in the schema, through references."""
    place: Any = schema
    description = schema["title"]
    for step in path:
        if isinstance(step, str) and step not in place:  # jsonschema leaves references out
            described = "description" in place
            place = schema["$defs"][place["$ref"].rpartition("/")[2]]
            description = description if described else place.get("description", description)
        place = place[step]
        if isinstance(place, Mapping) and isinstance(place.get("description"), str):
            description = place["description"]
    return description


def _is_misread(error: ValidationError) -> bool:
    """Return whether text was expected and YAML read something else: a number, a date, yes."""
    wanted = error.validator == "type" and "string" in error.validator_value
    return wanted and not isinstance(error.instance, Mapping | list | None)


def _expected(error: ValidationError) -> str:
    limit = error.validator_value
    match error.validator:
        case "type":
            return " or ".join(
                TYPES[name] for name in ([limit] if isinstance(limit, str) else limit)
            )
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
        case "maxLength":
            return f"at most {limit} characters"
        case "pattern" if "\\d" in limit:
            return "a number from 0 to 100"
        case "pattern" if "." not in limit:
            return "a letter, then letters, digits, '_' or '-'"
        case "pattern":
            return "letters, digits, '.', '_' or '-', a letter or digit first"
        case "not":
            return "a name without an end repeated twenty times, which Snakemake takes for a loop"
        case "minItems" | "minProperties" | "minLength":
            return f"at least {limit}"
        case "maxItems":
            return f"at most {limit}"
        case "uniqueItems":
            return "no entry twice"
        case "const":
            return repr(limit)
    return error.message
