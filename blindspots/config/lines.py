"""Places in config files: the lines of their keys, for messages, and the keys set to null."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from blindspots.config.wording import KeyPath, key_of

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Loader of YAML; the faster one if PyYAML was built with it."""

NULL, MERGE = "tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"


@dataclass
class Written:
    """Places in the files of a config.

    Attributes:
        lines: file and line where a value begins, by key, such as "nets.FC10.model"; for a key in
            several files, the last one; for one that is given on the command line, "--config".
        cleared: keys that are null in a file after an earlier one gave them a value.
        twice: a line for each key that occurs twice in one mapping.
    """

    lines: dict[str, str] = field(default_factory=dict)
    cleared: set[str] = field(default_factory=set)
    twice: list[str] = field(default_factory=list)


def written(files: Iterable[str | Path], by_hand: Collection[str] = ()) -> Written:
    """Find the lines of a config's keys.

    Args:
        files: config files, later ones laid over earlier ones; unreadable ones are skipped.
        by_hand: top-level keys that are given on the command line, not in a file.
    """
    found, given = Written(), set[str]()
    for file in files:
        try:
            node = yaml.compose(Path(file).read_text("utf-8"), LOADER)
        except (OSError, ValueError, RecursionError, yaml.YAMLError):
            continue  # reported by the reader of the file
        for path, line, value, again in _lines(node, (), ()):
            key = key_of(path)
            if again:
                found.twice.append(f"{file}, line {line}: {key}: expected one, found two; {REMEDY}")
            if path[0] not in by_hand:
                found.lines[key] = f"{file}, line {line}"
            if getattr(value, "tag", "") != NULL:
                given.add(key)
                found.cleared.discard(key)
            elif key in given:
                given.discard(key)
                found.cleared.add(key)
    found.cleared |= {key for key in given if key.partition(".")[0] in by_hand}
    found.lines |= dict.fromkeys(by_hand, "--config")
    return found


REMEDY = "rename or remove one"


def place_of(key: str, lines: Mapping[str, str]) -> str | None:
    """Return file and line of a key, or of the nearest one around it; `lines` as in `Written`."""
    while key and key not in lines:
        key = key.rpartition(".")[0]
    return lines.get(key)


def with_place(fault: str, lines: Mapping[str, str], file: str | Path) -> str:
    """Return a fault of a file with its place in front.

    Args:
        fault: line that begins with a key.
        lines: places of the keys, see `Written`.
        file: the file, for a key that is missing in it.
    """
    return f"{place_of(fault.partition(': ')[0], lines) or file}: {fault}"


def source_of(key: str, made: Mapping[str, str]) -> str:
    """Return the user's key that a key of the full form is made from, or the key itself.

    Args:
        key: key of the full form of a config.
        made: key that each generated key, or one around it, is made from; it may be generated,
            too.
    """
    around = key
    while around:
        if around in made:
            return source_of(made[around] + key[len(around) :], made)
        around = around.rpartition(".")[0]
    return key


def _lines(
    node: yaml.Node | None, path: KeyPath, above: tuple[int, ...]
) -> Iterator[tuple[KeyPath, int, yaml.Node, bool]]:
    """Iterate over the keys with line, value, and whether their mapping had them before."""
    if node is None or id(node) in above:  # an alias inside its own value
        return
    above = (*above, id(node))
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in sorted(node.value, key=lambda pair: pair[0].tag != MERGE):
            if key.tag == MERGE:  # its keys are the mapping's own, unless these override them
                of_all = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for merged in reversed(of_all):  # the first of them wins
                    yield from _lines(merged, path, above)
                continue
            name = (*path, str(key.value))
            yield name, key.start_mark.line + 1, value, name in seen
            seen.add(name)
            yield from _lines(value, name, above)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            name = (*path, str(number))
            yield name, value.start_mark.line + 1, value, False
            yield from _lines(value, name, above)
