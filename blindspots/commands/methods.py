"""List the methods that a config can name, and their settings.

Without arguments, it lists the methods of every role, a line each; with a role, the methods of that
role; with a method, its settings: values, default and meaning of each. Everything is read from the
source, also for your own methods, and nothing is imported.

Examples:
  blindspots methods                             all methods
  blindspots methods attacks
  blindspots methods attacks lbfgs               the settings of a method
  blindspots methods models my_lab.nets:resnet   the settings of a method of your own
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from typing import Any

from blindspots.commands import _shared
from blindspots.config import catalogue
from blindspots.config.declarations import measurement
from blindspots.config.methods import did_you_mean, inputs, names
from blindspots.config.schema import ENTRIES, schema
from blindspots.interface import InputError


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    roles = ", ".join(catalogue.ROLES)
    parser.add_argument("role", nargs="?", metavar="ROLE", help=f"one of {roles}")
    parser.add_argument("name", nargs="?", metavar="NAME", help="a method, or module:function")


def run(arguments: argparse.Namespace) -> None:
    """Print the methods of all roles or of one, or the settings of a method."""
    role, name = arguments.role, arguments.name
    if role is not None and role not in catalogue.ROLES:
        known = ", ".join(catalogue.ROLES)
        hint = did_you_mean(role, catalogue.ROLES)
        raise InputError(f"ROLE: expected one of {known}, found {role!r}{hint}")
    print("\n".join(_roles(role) if name is None else _method(role, name)))


def _roles(role: str | None) -> Iterator[str]:
    """List the methods of a role, or of all roles, line by line."""
    for one in catalogue.ROLES if role is None else [role]:
        yield one
        width = max(map(len, names(one)))
        for name in names(one):
            yield f"  {name:{width}}  {catalogue.summary(one, name)}"
        yield ""
    yield f"Settings of one: {_shared.again('methods', role or 'ROLE', 'NAME')}"


def _method(role: str, name: str) -> Iterator[str]:
    """Describe a method line by line: its purpose, the tables that it reads, its settings."""
    summary, more = catalogue.summary(role, name), catalogue.description(role, name)
    yield f"{role} {name}"
    yield from _wrapped(summary, 2)
    if more != summary:
        yield from _wrapped(more, 2)
    yield from _tables(role, name)
    settings = catalogue.settings(role, name)
    if settings is None:
        yield from ["", "Settings: they cannot be read from the source."]
    elif settings:
        yield from ["", "Settings:"]
        for one in settings:
            default = "required" if one.default is None else f"default {one.default}"
            yield from _wrapped(f"{one.name}: {one.values}; {default}", 2)
            yield from _wrapped(one.meaning, 6)
    else:
        yield from ["", "Settings: none."]
    further = dict(_keys(role, name)) if role in ENTRIES else {}
    if further:
        yield from ["", "Further keys of its entry in a config:"]
    for key, meaning in further.items():
        yield from _wrapped(f"{key}: {meaning}", 2)


def _tables(role: str, name: str) -> Iterator[str]:
    """Name the tables that a measurement makes, or that an analysis or a figure reads."""
    if role == "measurements":
        declared = measurement(name)
        of = {"net": "of each net", "experiment": "of each experiment", "run": "of the whole run"}
        yield from ["", f"Tables {of[declared.subject]}: {', '.join(declared.given)}."]
        if found := catalogue.of_experiment(name):
            yield f"Reads these keys of the experiment: {', '.join(found)}."
    if role in ("analyses", "figures"):
        yield from ["", f"Reads the tables: {', '.join(inputs(role, name))}."]


def _keys(role: str, name: str) -> Iterator[tuple[str, str]]:
    """List the keys of an entry that are not settings of its method, and their meanings."""
    properties: dict[str, dict[str, Any]] = schema("config")["$defs"][ENTRIES[role]]["properties"]
    fitting = catalogue.keys(role, name)
    for key, said in properties.items():
        if key in fitting:
            choices = [c for one in said.get("anyOf", ()) for c in one.get("enum", ())]
            known = f" ({', '.join(choices)})" if choices else ""
            yield key, f"{said['description']}{known}"


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(
        text, 100, initial_indent=" " * indent, subsequent_indent=" " * max(indent, 6)
    )
