"""Entries with several instances: a list in place of one value makes an instance per value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import product
from math import prod
from typing import Any, NamedTuple

from blindspots.config import methods, traits
from blindspots.config.annotations import is_of_several
from blindspots.config.values import numbers
from blindspots.config.wording import KeyPath, key_of, shown
from blindspots.interface import InputError

Entry = dict[str, Any]

SINGLE: dict[str, tuple[str, ...]] = {
    "nets": ("train_on", "data"),
    "attacks": ("target", "mask"),
    "certificates": ("n", "required"),
    "measurements": ("data", "part", "n", "weights"),
    "experiments": (
        "attack", "data", "part", "n", "controls_n", "noise_draws", "across_seeds", "clip",
        "amplify_by",
    ),
    "tables": ("experiment", "measurement"),
    "figures": ("experiment", "measurement"),
}  # fmt: skip
"""Keys of the workflow that hold one value, by section."""

ROLES = {
    "attacks": "attacks",
    "certificates": "certificates",
    "measurements": "measurements",
    "tables": "analyses",
    "figures": "figures",
}
"""Role of the methods that the entries of a section name."""

SUMMARIES = ("tables", "figures")
"""Sections whose entries show the tables of an experiment or of a measurement."""

MOST = 1000
"""Maximum number of instances of one entry."""

DISPLAY_NAMES = {"nets": "label", "experiments": "title", "tables": "title", "figures": "title"}
"""Key with the display name of an entry, by section."""


class Instance(NamedTuple):
    """One instance of an entry.

    Attributes:
        name: the entry's name, followed by the values of this instance.
        entry: the entry with these values.
        sources: paths of these values in the user's entry, by their paths in this one.
    """

    name: str
    entry: Entry
    sources: dict[KeyPath, KeyPath]


def instances(section: str, name: str, entry: Entry) -> list[Instance]:
    """Return the instances of an entry: one for each combination of its lists' values, or itself.

    Raises:
        InputError: more than `MOST` instances.
    """
    paths = [path for path in _single(section, entry) if _is_several(_value(entry, path))]
    if not paths:
        return [Instance(name, entry, {})]
    count = prod(len(_value(entry, path)) for path in paths)
    if count > MOST:
        raise InputError(
            f"expected lists whose values make at most {MOST} entries, found {count} combinations; "
            "shorten them"
        )
    found = []
    for chosen in product(*(enumerate(_value(entry, path)) for path in paths)):
        own, sources = entry, {}
        for path, (place, value) in zip(paths, chosen, strict=True):
            own = _with(own, path, value)
            sources[path] = (*path, str(place))
        values = [_text(value) for _, value in chosen]
        called = DISPLAY_NAMES.get(section, "")
        if own.get(called):
            own = own | {called: f"{own[called]} ({', '.join(values)})"}
        found.append(Instance("-".join([name, *values]), own, sources))
    return found


def single_faults(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each list in place of one value that holds none, or more than plain values.

    Args:
        config: config as a user writes it, which fits the schema.
    """
    for section, keys in SINGLE.items():
        for name, entry in config.get(section, {}).items():
            given = entry if isinstance(entry, Mapping) else {}
            for key in keys:
                values, where = given.get(key), key_of([section, name, key])
                if not isinstance(values, list):
                    continue
                if not values:
                    yield f"{where}: expected a value or several, found none; name one"
                for place, value in enumerate(values):
                    if isinstance(value, list | Mapping):
                        yield f"{where}.{place}: expected one value, found {shown(value)}"


def _single(section: str, entry: Entry) -> Iterator[KeyPath]:
    """Iterate over the paths of keys that hold a list in place of one value."""
    for key, value in entry.items():
        if isinstance(value, list) and key in SINGLE[section]:
            yield (key,)
        elif isinstance(value, list) and section in ROLES:
            if _of_one(ROLES[section], entry, [key]):
                yield (key,)
        elif section == "nets" and key in ("model", "trainer") and isinstance(value, Mapping):
            for setting in _of_one(f"{key}s", value, [k for k in value if k != "method"]):
                yield key, setting


def _of_one(role: str, instance: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """Return the settings of a method that, by their annotation, hold a list of several values."""
    lists = [name for name in names if isinstance(instance[name], list)]
    if not lists or not isinstance(instance.get("method"), str):
        return []
    with suppress(InputError):  # reported with the methods
        parameters = methods.parameters_of(role, instance["method"])
        if role == "attacks" and traits.family(instance["method"]).kind == "budget":
            lists = [name for name in lists if name != "eps"]  # its radii are rows of one table
        return [
            name
            for name in lists
            if name in parameters
            and is_of_several(numbers(instance[name]), parameters[name].annotation)
        ]
    return []


def _is_several(value: Any) -> bool:
    return bool(value) and not any(isinstance(one, list | Mapping) for one in value)


def _value(entry: Entry, path: KeyPath) -> Any:
    for step in path:
        entry = entry[step]
    return entry


def _with(entry: Entry, path: KeyPath, value: Any) -> Entry:
    first, *rest = path
    return entry | {first: _with(entry[first], tuple(rest), value) if rest else value}


def _text(value: Any) -> str:
    """Return a value as part of a name: as written, but without characters invalid in names."""
    text = json.dumps(value) if value is None or isinstance(value, bool) else str(value)
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text.rpartition(":")[2])
