"""A config on its way to its full form, with the user's key for each generated key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blindspots.config.instances import instances
from blindspots.config.removals import stray
from blindspots.config.wording import KeyPath, key_of
from blindspots.interface import InputError

Config = dict[str, Any]


class UnfinishedError(Exception):
    """Names are missing from a draft with faults: what follows would find faults of its own."""


@dataclass
class Draft:
    """A config while it is written out.

    Attributes:
        config: the config; at the end without defaults, groups, patterns, report sets, and lists in
            place of single values.
        removed: paths of keys that null removes, each with whether there was a value to remove.
        made: key that each generated key is made from.
        asked: key that asks for each table or figure of a report set.
        faults: a line for each fault.
        whole: sections in which every entry that is generated is there.
        lines: places of the keys of other files that the config names, see `lines.Written`.
    """

    config: Config
    removed: dict[KeyPath, bool] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    whole: set[str] = field(default_factory=set)
    lines: dict[str, str] = field(default_factory=dict)

    def multiply(self, section: str) -> dict[str, list[str]]:
        """Replace the entries that have several instances by these.

        Returns:
            The names of the instances, by name of such an entry.

        Raises:
            UnfinishedError: too many instances, or two of one name.
        """
        several: dict[str, list[str]] = {}
        faults: list[str] = []
        given, entries = self.config[section], Config()
        for name, entry in given.items():
            try:
                made = instances(section, name, entry)
            except InputError as error:
                faults.append(f"{section}.{name}: {error}")
                continue
            if made[0].sources:
                several[name] = [one.name for one in made]
            for one in made:
                if one.name in entries or (one.name != name and one.name in given):
                    faults.append(
                        f"{section}.{name}: expected a list whose values make different names, "
                        f"found {one.name} twice; rename one"
                    )
                entries[one.name] = copied(one.entry)
                if one.name != name:
                    self.made[f"{section}.{one.name}"] = f"{section}.{name}"
                for path, source in one.sources.items():
                    self.made[key_of([section, one.name, *path])] = key_of([section, name, *source])
        if faults:
            self.faults += faults
            raise UnfinishedError
        self.config[section] = entries
        return several

    def take_away(self, section: str) -> None:
        """Delete the entries of a section that null removes, once all entries are generated."""
        self.whole.add(section)
        entries = self.config.get(section, {})
        for path in self.removed:
            if len(path) == 2 and path[0] == section and path[1] in entries:
                del entries[path[1]]
                self.removed[path] = True

    def without_default(self, defaults: Mapping[str, Any]) -> dict[str, set[str]]:
        """Return the parts whose default null removes, by net."""
        found: dict[str, set[str]] = {}
        for path in self.removed:
            if len(path) == 3 and path[0] == "nets" and path[2] in defaults:
                found.setdefault(path[1], set()).add(path[2])
                self.removed[path] = True
        return found

    def strays(self) -> list[str]:
        """Return a line for each null that removed nothing.

        After a fault, sections may lack entries that are generated, which a null may remove.
        """
        return [
            stray(path)
            for path, used in self.removed.items()
            if not used and (not self.faults or len(path) != 2 or path[0] in self.whole)
        ]


def copied(value: Any) -> Any:
    """Return a copy of a YAML value in which the keys of mappings are text."""
    if isinstance(value, Mapping):
        return {str(name): copied(inside) for name, inside in value.items()}
    return [copied(inside) for inside in value] if isinstance(value, list) else value
