"""Names in a config's lists: entries, groups of nets, and patterns such as ``*-P1``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from blindspots.config.values import listed
from blindspots.config.wording import shown, unknown


class Named(NamedTuple):
    """Names that a list may contain.

    Attributes:
        what: noun for an entry, such as "a net".
        entries: names of the entries.
        matched: names that patterns and groups choose from.
        groups: list of each group, by its name.
        instances: names of the instances of an entry that became several, by its name.
    """

    what: str
    entries: Collection[str]
    matched: Collection[str]
    groups: Mapping[str, Sequence[str]] = {}
    instances: Mapping[str, Sequence[str]] = {}


def is_pattern(name: str) -> bool:
    """Return whether a name is a pattern: no plain name has such characters."""
    return any(character in name for character in "*?[")


def matches(name: str, pattern: str) -> bool:
    """Return whether a name is the given one, or matches a pattern."""
    return fnmatchcase(name, pattern)


def is_several(given: Any, named: Named) -> bool:
    """Return whether a value where one name is expected may stand for several."""
    if isinstance(given, list):
        return True
    return isinstance(given, str) and (is_pattern(given) or given in named.instances)


def resolved(key: str, given: Any, named: Named, faults: list[str]) -> list[str]:
    """Return the names that patterns, groups and lists stand for, each once.

    Args:
        key: key of the list in the config.
        given: a list, or one name.
        named: names that the list may contain.
        faults: faults so far; a line is added for each unknown name and unmatched pattern.
    """
    found: list[str] = []
    for item in listed(given):
        if item in named.entries:
            found.append(item)
        elif item in named.groups:
            found += _group(named.groups[item], named)
        elif item in named.instances:
            found += named.instances[item]
        elif is_pattern(item):
            matching = _matching(item, named)
            found += matching
            if not matching:
                known = ", ".join(named.matched) or "none"
                faults.append(
                    f"{key}: expected a pattern that matches {named.what} of this config "
                    f"({known}), found {shown(item)}, which matches none; correct or remove it"
                )
        else:
            faults += unknown(key, item, [*named.entries, *named.groups], named.what)
    return _once(found)


def group_faults(groups: Mapping[str, Any], named: Named) -> list[str]:
    """Return a line for each group named like a net, and for each unknown name in a group."""
    faults: list[str] = []
    for name, given in groups.items():
        key = f"groups.{name}"
        if name in named.entries or name in named.instances:
            faults.append(f"{key}: expected a name that no net has, found that of a net; rename it")
        resolved(key, given, named._replace(groups={}), faults)
    return faults


def _group(listed: Sequence[str], named: Named) -> Iterable[str]:
    for item in listed:
        if item in named.entries:
            yield item
        else:
            yield from named.instances.get(item) or _matching(item, named)


def _matching(pattern: str, named: Named) -> list[str]:
    """Return the names that match; checkpoints (NET@STEP) only if the pattern has an @."""
    return [
        name
        for name in named.matched
        if fnmatchcase(name, pattern) and ("@" in pattern or "@" not in name)
    ]


def with_checkpoints(names: Iterable[str], nets: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return nets, each followed by its checkpoints in order, which are called NET@STEP."""
    return [
        each
        for name in names
        for each in (name, *(f"{name}@{n}" for n in sorted(nets[name].get("checkpoints", ()))))
    ]


def checkpoints_of(
    instances: Mapping[str, Sequence[str]], nets: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[str]]:
    """Return the checkpoints that NAME@STEP stands for if several nets were made of an entry NAME.

    Args:
        instances: names of the nets of such an entry, by its name.
        nets: sections of the nets, by name.
    """
    found: dict[str, list[str]] = {}
    for name, made in instances.items():
        for one in made:
            for step in sorted(nets[one].get("checkpoints", ())):
                found.setdefault(f"{name}@{step}", []).append(f"{one}@{step}")
    return found


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
