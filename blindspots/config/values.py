"""Values of a config as YAML reads them: their count, numbers written as text, invalid ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from blindspots.config.wording import key_of, shown
from blindspots.interface import InputError

TEXT = {
    "label", "title", "attack", "attacks", "mask", "sources", "victims", "controls",
    "experiment", "more_experiments",
    "shows", "stands_for", "under", "claim", "measurement", "experiments", "layer",
    "reference_layer", "against", "run", "nets", "net", "source", "victim", "control", "parents",
    "data", "paper", "table", "cells_of", "errors_of",
    "columns", "rows", "groups", "report",
}  # fmt: skip
"""Keys whose values are names, even if they look like numbers."""

OF_NAMES = {"shows", "under", "parents", "errors_of", "groups"}
"""Keys of mappings whose values are all names."""

MOST_VALUES = 100_000
MOST_LEVELS = 50
"""Limits of a config's size."""

LARGEST = 3.4e38
"""Largest number in float32, in which models compute."""


def listed(value: Any) -> list[Any]:
    """Return a list as it is, and anything else as the only item of one."""
    return value if isinstance(value, list) else [value]


def inside(value: Any) -> Iterable[Any]:
    """Iterate over the values inside a YAML value."""
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else ()


def assert_bounded(whole: Any, inside: Callable[[Any], Iterable[Any]] = inside) -> None:
    """Reject a config of a few lines that becomes endless or huge when it is read.

    Args:
        whole: the config.
        inside: function that returns the values inside a value.

    Raises:
        InputError: more than `MOST_VALUES` values, or more than `MOST_LEVELS` nested levels.
    """
    waiting, values = [(whole, 0)], 0
    while waiting:
        value, level = waiting.pop()
        values += 1
        if level > MOST_LEVELS:
            raise InputError(
                f"expected at most {MOST_LEVELS} levels, found more, as when an alias (*name) "
                "stands inside its own value"
            )
        if values > MOST_VALUES:
            raise InputError(
                f"expected at most {MOST_VALUES} values, found more; the values of an alias "
                "(*name) count at each use"
            )
        waiting += [(part, level + 1) for part in inside(value)]


def numbers(value: Any) -> Any:
    """Return a copy in which text such as "1e-4" is a number, an int if it is whole."""
    if isinstance(value, Mapping):
        return {str(k): item if _is_text(k, item) else numbers(item) for k, item in value.items()}
    if isinstance(value, list):
        return [numbers(item) for item in value]
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+", value):
        number = float(value)
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    return value


def _is_text(key: str, item: Any) -> bool:
    """Return whether an item is a name or a mapping of names, not a section with such a key."""
    return key in TEXT and (key in OF_NAMES or not isinstance(item, Mapping))


def is_number(value: Any) -> bool:
    """Return whether a value is an integer or a real number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def value_faults(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[str]:
    """Yield a line for each number that a model cannot compute with, and for invalid Unicode."""
    if isinstance(value, Mapping | list):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for name, item in items:
            yield from value_faults(item, (*path, name))
    elif isinstance(value, float) and not abs(value) <= LARGEST:
        yield f"{key_of(path)}: expected a finite number, at most {LARGEST:g}, found {value:g}"
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield f"{key_of(path)}: expected a whole number of at most 64 bits, found a longer one"
    elif isinstance(value, str) and re.search("[\ud800-\udfff]", value):
        yield f"{key_of(path)}: expected Unicode, found half of a character in {shown(value)}"
