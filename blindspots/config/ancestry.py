"""Ancestry of nets, datasets and attacks: the entries that they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Config = dict[str, Any]
Node = tuple[str, str]
"""A section (nets, datasets or attacks) and the name of an entry in it."""


def made_of(config: Config, node: Node) -> Iterator[Node]:
    """Iterate over the entries that one is made of directly; none if it does not exist.

    Args:
        config: the config, filled in.
        node: the entry.
    """
    section, name = node
    entry = config[section].get(name, {})
    yield from (("nets", parent) for parent in entry.get("parents", {}).values())
    if section != "attacks" and entry.get("data"):
        yield "datasets", entry["data"]
    if entry.get("checkpoint"):
        yield "nets", entry["checkpoint"]["net"]
    for images in entry.get("attacked", {}).values():
        yield "nets", images["net"]
        if "attack" in images:
            yield "attacks", images["attack"]
        if images["experiment"] in config["experiments"]:
            yield "datasets", config["experiments"][images["experiment"]]["data"]


def ancestors(config: Config, nodes: Iterable[Node]) -> list[Node]:
    """Return the entries that some are made of, directly or not, each once; on a cycle, these too.

    Args:
        config: the config, filled in.
        nodes: the entries.
    """
    found: dict[Node, None] = {}
    waiting = [made for node in nodes for made in made_of(config, node)]
    while waiting:
        node = waiting.pop(0)
        if node not in found:
            found[node] = None
            waiting += made_of(config, node)
    return list(found)
