"""The lines of config files, for messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import yaml

from blindspots.config.wording import key_of

Names = tuple[str, ...]


def places(files: Iterable[str | Path]) -> dict[str, str]:
    """Lines of the keys in config files.

    Args:
        files: laid over each other in this order; those that cannot be read are left out.

    Returns:
        By key, such as "nets.FC10.model", the file and the line that its value begins in; of a key
        in several files the last.
    """
    found = {}
    for file in files:
        try:
            node = yaml.compose(Path(file).read_text("utf-8"), yaml.SafeLoader)
        except (OSError, ValueError, yaml.YAMLError):
            continue  # said by who reads it
        for path, line in _lines(node, (), ()):
            found[key_of(path)] = f"{file}, line {line}"
    return found


def place_of(fault: str, known: Mapping[str, str]) -> str | None:
    """File and line of the key that a fault begins with, or of the nearest key around it."""
    key = fault.partition(": ")[0]
    while key and key not in known:
        key = key.rpartition(".")[0]
    return known.get(key)


def _lines(
    node: yaml.Node | None, path: Names, above: tuple[int, ...]
) -> Iterator[tuple[Names, int]]:
    if node is None or id(node) in above:  # an alias that stands inside what it names
        return
    above = (*above, id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = (*path, str(key.value))
            yield name, key.start_mark.line + 1
            yield from _lines(value, name, above)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            name = (*path, str(number))
            yield name, value.start_mark.line + 1
            yield from _lines(value, name, above)
