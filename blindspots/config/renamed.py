"""Keys and values of earlier editions, each with its successor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from blindspots.config.wording import key_of

DECAY_FACTOR = "decay_factor (with decay_per: none, the decay is not divided by the layer's units)"

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
    "tables.*:multiverse.readings": "shows, with experiments that have a reading of their own",
    "tables.*:multiverse.renamed": (
        "nothing in its place, as nets and attacks under another reading know what they stand for"
    ),
    "decay_scale": (
        "the setting decay_factor of a trainer, as in nets.NAME.trainer (1 where it is left out)"
    ),
    "nets.*.trainer:lbfgs.decay_scale": DECAY_FACTOR,
    "defaults.trainer:lbfgs.decay_scale": DECAY_FACTOR,
}
"""Successors of what was renamed; * stands for any name, key=value for a key with that value, and
key:method for the section of a method, or one that leaves the method to the defaults."""


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
        key, _, method = key.partition(":")
        for name in value if key == "*" else value.keys() & {key}:
            given = value[name] if isinstance(value[name], list) else [value[name]]
            if wanted and wanted not in given:
                continue
            if method and not _may_be(value[name], method):
                continue
            for path in _found(value[name], steps[1:]):
                yield (name, *path)


def _may_be(instance: Any, method: str) -> bool:
    return isinstance(instance, Mapping) and instance.get("method", method) == method
