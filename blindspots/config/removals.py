"""Keys that null removes: in a config laid over another, it takes back an earlier value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from blindspots.config.wording import KeyPath, key_of

Schema = Mapping[str, Any]


def without_removed(config: Any, schema: Schema) -> tuple[Any, list[KeyPath]]:
    """Leave out the keys whose value is null, except for those that may be null.

    Args:
        config: config with its files laid over each other, null where the last one has null.
        schema: schema of a config.

    Returns:
        A copy, and the paths of the keys that are left out.
    """
    removed: list[KeyPath] = []

    def kept(value: Any, places: list[Schema], path: KeyPath) -> Any:
        if not isinstance(value, Mapping):
            return value
        found = {}
        for name, inside in value.items():
            below = [one for place in places for one in _below(place, str(name), schema)]
            if inside is None and below and not any(map(_may_be_null, below)):
                removed.append((*path, str(name)))
                continue
            left = kept(inside, below, (*path, str(name)))
            if path or left or not inside:  # a section that becomes empty is dropped
                found[name] = left
        return found

    return kept(config, [schema], ()), removed


def stray(key: KeyPath) -> str:
    """Return a line for a key that null should remove, but that does not exist."""
    return (
        f"{key_of(key)}: expected a key that null can remove, found none of this name in earlier "
        "files; leave it out, or write {} for an entry without settings"
    )


def _below(place: Schema, name: str, schema: Schema) -> Iterator[Schema]:
    """Iterate over the schemas that apply to a key below a place in the schema."""
    inside = place.get("properties", {}).get(name, place.get("additionalProperties"))
    if isinstance(inside, Mapping):
        yield from _alternatives(inside, schema)


def _alternatives(place: Schema, schema: Schema) -> Iterator[Schema]:
    yield place
    others = [*place.get("anyOf", ()), *place.get("oneOf", ())]
    if "$ref" in place:
        others.append(schema["$defs"][place["$ref"].rpartition("/")[2]])
    for other in others:
        yield from _alternatives(other, schema)


def _may_be_null(place: Schema) -> bool:
    types = place.get("type", ())
    return "null" in ([types] if isinstance(types, str) else types)
