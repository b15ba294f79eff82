"""Ancestry: the nets, datasets and attacks that others are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Config = dict[str, Any]
Node = tuple[str, str]
"""A section, one of nets, datasets and attacks, and the name of an entry."""


def made_of(config: Config, node: Node) -> Iterator[Node]:
    """The entries that one is made of directly; none where there is no such entry.

    Args:
        config: whose sections are filled in.
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
    """The entries that some are made of, at any distance, each once; themselves too, on a cycle.

    Args:
        config: as for `made_of`.
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
