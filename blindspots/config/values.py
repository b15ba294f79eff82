"""A config's values as YAML gives them: their number, numbers written as text, invalid numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from blindspots.config.wording import key_of, shown
from blindspots.interface import InputError

TEXT = {
    "label", "title", "attack", "attacks", "mask", "sources", "victims", "controls",
    "experiment", "more_experiments",
    "readings", "renamed", "claim", "measurement", "experiments", "layer",
    "reference_layer", "against", "run", "nets", "net", "source", "victim", "control", "parents",
    "data", "paper", "table", "cells_of", "errors_of",
    "columns", "rows", "groups", "report",
}  # fmt: skip
"""Keys whose values are names, though they may look like numbers."""

OF_NAMES = {"readings", "renamed", "parents", "errors_of", "groups"}
"""Keys of mappings whose values are all names."""

MOST_VALUES = 100_000
MOST_LEVELS = 50
"""A config of this project has a thousand values on eight levels."""

LARGEST = 3.4e38
"""The largest number in float32, in which models compute."""


def inside(value: Any) -> Iterable[Any]:
    """Iterate over the values inside a YAML value."""
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else ()


def assert_bounded(whole: Any, inside: Callable[[Any], Iterable[Any]] = inside) -> None:
    """Refuse a config that is written in a few lines and is without end when it is read.

    Args:
        whole: the config.
        inside: what a value is made of.

    Raises:
        InputError: more than `MOST_VALUES`, or more than `MOST_LEVELS` of them in one another.
    """
    waiting, values = [(whole, 0)], 0
    while waiting:
        value, level = waiting.pop()
        values += 1
        if level > MOST_LEVELS:
            raise InputError(
                f"expected at most {MOST_LEVELS} levels, found more, as where an alias (*name) "
                "stands inside what it names"
            )
        if values > MOST_VALUES:
            raise InputError(
                f"expected at most {MOST_VALUES} values, found more; what an alias (*name) stands "
                "for counts wherever it stands"
            )
        waiting += [(part, level + 1) for part in inside(value)]


def numbers(value: Any) -> Any:
    """A copy in which text such as "1e-4" is a number, a whole one where it is one."""
    if isinstance(value, Mapping):
        return {str(k): item if _is_text(k, item) else numbers(item) for k, item in value.items()}
    if isinstance(value, list):
        return [numbers(item) for item in value]
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+", value):
        number = float(value)
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    return value


def _is_text(key: str, item: Any) -> bool:
    """Names, and mappings of names; a section that is called as the key of a name is neither."""
    return key in TEXT and (key in OF_NAMES or not isinstance(item, Mapping))


def is_number(value: Any) -> bool:
    """Return whether a value is an integer or a real number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def value_faults(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[str]:
    """A line for each number that a model cannot compute with, and text that no file can hold."""
    if isinstance(value, Mapping | list):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for name, item in items:
            yield from value_faults(item, (*path, name))
    elif isinstance(value, float) and not abs(value) <= LARGEST:
        yield f"{key_of(path)}: expected a finite number, at most {LARGEST:g}, found {value:g}"
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield f"{key_of(path)}: expected a whole number of at most 64 bits, found one of more"
    elif isinstance(value, str) and re.search("[\ud800-\udfff]", value):
        yield f"{key_of(path)}: expected Unicode, found half of a character in {shown(value)}"
