"""Figures that a paper prints, as data: the file that a config names under `printed`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from blindspots.config.checkout import located
from blindspots.config.lines import with_place, written
from blindspots.config.loader import load, version
from blindspots.config.schema import schema, schema_faults
from blindspots.config.values import numbers, value_faults
from blindspots.config.wording import key_of, unknown
from blindspots.interface import InputError

Figures = dict[str, dict[str, float]]
"""Figures of a table by row and column."""


def printed(config: Mapping[str, Any]) -> dict[str, Figures]:
    """Return a config's tables of printed figures by name; empty if it names no file of them.

    Raises:
        InputError: invalid file, with a line for each fault.
    """
    file = config.get("printed")
    return {} if file is None else tables_in(located(file))


def tables_in(path: Path) -> dict[str, Figures]:
    """Return the tables in a file of printed figures.

    Raises:
        InputError: invalid file, with a line for each fault.
    """
    return _tables_in(path, version(path))


@cache
def _tables_in(path: Path, _: tuple[int, int] | None) -> dict[str, Figures]:
    """Return the tables of one version of a file, cached as many tables of a config name them."""
    raw = numbers(load(path, "a YAML file of printed figures"))
    if isinstance(raw, Mapping) and {"claims", "runs"} <= raw.keys():
        raise InputError(
            f"{path}: expected the figures that a paper prints, by table, found its claims; name "
            "the file of its figures here, and this one under the key claims"
        )
    faults = [*value_faults(raw)] or [*schema_faults(raw, schema("printed"))]
    faults = faults or [*_uneven(raw)]
    if faults:
        known = written([path]).lines
        raise InputError("\n".join(with_place(fault, known, path) for fault in faults))
    return {
        name: {
            row: {
                column: figure
                for column, figure in zip(table["columns"], figures, strict=True)
                if figure is not None
            }
            for row, figures in table["rows"].items()
        }
        for name, table in raw.items()
    }


def _uneven(raw: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each row without exactly one figure for each column."""
    for name, table in raw.items():
        for row, figures in table["rows"].items():
            if len(figures) != len(table["columns"]):
                yield (
                    f"{key_of([name, 'rows', row])}: expected {len(table['columns'])} figures, "
                    f"one for each column, found {len(figures)}; write null where none is printed"
                )


def printed_faults(config: Mapping[str, Any], key: str, name: str) -> Iterator[str]:
    """Yield a line for a name that is not one of a config's tables of printed figures.

    Args:
        config: config whose file of printed figures, if any, is valid.
        key: key of the name in the config.
        name: name of the table.
    """
    if config["printed"] is None:
        yield (
            f"{key}: expected a config with a file of printed figures, found none; add "
            "printed: papers/NAME/printed.yaml"
        )
    else:
        yield from unknown(key, name, printed(config), "a table of printed figures")
