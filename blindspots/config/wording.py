"""Words for the faults of a config: the key, the value found, an unknown name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date
from typing import Any

from blindspots.config.methods import did_you_mean

KeyPath = tuple[str, ...]
"""The keys from the top of a config, or of an entry, down to a value."""

LONGEST = 200
"""Maximum number of a value's characters in a message."""


def shown(value: Any) -> str:
    """Return a value for a message, as YAML writes it, cut if it is long."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    try:
        text = str(value) if isinstance(value, date) else repr(value)
    except ValueError:  # Python prints no integer of more than 4300 digits
        text = "a value with a number of thousands of digits"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def key_of(path: Iterable[str | int]) -> str:
    """Return a value's key, such as "nets.FC10.trainer"; names that break lines are quoted."""
    parts = (str(part) for part in path)
    return ".".join(p if p.isprintable() and len(p) <= LONGEST else shown(p) for p in parts)


def unknown(
    key: str, found: str, known: Collection[str], what: str, of: str = "this config"
) -> Iterator[str]:
    """Yield a line if a name is unknown."""
    if found not in known:
        expected, hint = f"{what} of {of} ({', '.join(known)})", did_you_mean(found, known)
        yield f"{key}: expected {expected}, found {shown(found)}{hint}"
