"""Strict loading of YAML: repeated keys, and aliases that make it endless, are errors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from blindspots.config.lines import REMEDY
from blindspots.config.values import assert_bounded
from blindspots.config.wording import shown
from blindspots.interface import InputError


class _Loader(yaml.SafeLoader):
    """Loader that rejects repeated keys: of two nets of one name, the first would be lost."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        merge = "tag:yaml.org,2002:merge"  # keys next to a << override the ones that it merges
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == merge:
                continue
            name = str(self.construct_object(key))
            if name in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"found the key {shown(name)} twice; {REMEDY}",
                    problem_mark=key.start_mark,
                )
            seen.add(name)
        return node


def load(path: Path, what: str = "a YAML config") -> Any:
    """Load a YAML file.

    Args:
        path: path of the file.
        what: kind of file that is expected, for messages.

    Raises:
        InputError: unreadable file, invalid YAML, or aliases that make it endless.
    """
    try:
        loader = _Loader(path.read_text("utf-8"))
        node = loader.get_single_node()
        assert_bounded(node, _inside)
        return None if node is None else loader.construct_document(node)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: expected UTF-8, found other text ({error}); convert it"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: expected {what}, found {_not_read(error)}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        problem = " ".join(str(error.problem).split())
        found = re.sub("^(but )?found ", "", problem)
        found = f"none ({problem})" if found == problem else found
        remedy = "; indent with spaces" if "'\\t'" in found else ""
        raise InputError(f"{path}{line}: expected {what}, found {found}{remedy}") from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: expected {what}, found none ({reason})") from None


def version(path: Path) -> tuple[int, int] | None:
    """Return what changes with a file, for caches of what it holds; None if there is no file."""
    there = path.stat() if path.exists() else None
    return None if there is None else (there.st_mtime_ns, there.st_size)


def load_config(path: Path) -> Mapping[str, Any]:
    """Load a file that is laid over a config; an empty file is an empty mapping.

    Raises:
        InputError: same as for `load`, or another value than a mapping.
    """
    found = load(path)
    if not isinstance(found, Mapping | None):
        raise InputError(f"{path}: expected a mapping of keys, found {shown(found)}")
    return found or {}


def without_empty(configs: Sequence[Path]) -> list[Path]:
    """Return the files of a config without empty overlays, which Snakemake refuses."""
    return [*configs[:1], *(path for path in configs[1:] if load_config(path))]


def _not_read(error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return "no such file"
        case IsADirectoryError():
            return "a folder"
    return f"a file that cannot be read ({error.strerror})"


def _inside(node: yaml.Node | None) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []
