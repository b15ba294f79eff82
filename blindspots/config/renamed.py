"""Keys and values of earlier editions, each with its successor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from blindspots.config.wording import key_of

RENAMED = {
    "lipschitz": (
        "certificates.NAME.nets and measurements: {NAME: {method: layers, nets: …}} (bounds of "
        "looseness: measurements: {NAME: {method: looseness, bounds: …}})"
    ),
    "operators": "measurements: {NAME: {method: operators, model: …, shape: …, classes: …}}",
    "units": "measurements: {NAME: {method: units, nets: …, n: …}}",
    "tables.*.operators": "measurement: NAME",
    "tables.*.units": "measurement: NAME",
    "figures.*.operators": "measurement: NAME",
    "figures.*.units": "measurement: NAME",
    "tables.*.method=verdicts": (
        "a table of method effects for each experiment, and claims: [{claim: …, cells: {table: …, "
        "rows: …}, at_least: …}] at the top level"
    ),
    "attacks.*.search=first_success": "search: grid, with grid_ratio: 10 as by default",
    "decay_scale": (
        "the setting decay_scale of a trainer, as in nets.NAME.trainer (1 where it is left out)"
    ),
}
"""Successors of what was renamed; * stands for any name, key=value for a key with that value."""


def renamed_faults(config: Any) -> Iterator[str]:
    """Yield a line for each key or value of an earlier edition, with its successor."""
    for pattern, successor in RENAMED.items():
        what = "value" if "=" in pattern else "key"
        for path in _found(config, pattern.split(".")):
            yield (
                f"{key_of(path)}: expected {successor}, found a {what} of an earlier edition; "
                "replace it"
            )


def _found(value: Any, steps: list[str]) -> Iterator[tuple[str, ...]]:
    """Iterate over the paths in a value that match a pattern."""
    if not steps:
        yield ()
    elif isinstance(value, Mapping):
        key, _, wanted = steps[0].partition("=")
        for name in value if key == "*" else value.keys() & {key}:
            given = value[name] if isinstance(value[name], list) else [value[name]]
            if wanted and wanted not in given:
                continue
            for path in _found(value[name], steps[1:]):
                yield (name, *path)
