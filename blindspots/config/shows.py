"""Experiments of each reading that a table of readings, by its setting `shows`, compares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from blindspots.config.naming import matches
from blindspots.config.wording import key_of, unknown
from blindspots.interface import InputError

Config = Mapping[str, Any]


def labels_under(experiments: Sequence[str], config: Config) -> dict[str, str]:
    """Return the label of the reading of some experiments, by name; the first is of the run's own.

    Others that repeat an experiment under the run's own reading are left out: they show the same.
    """
    run = config.get("under", {}).get("name", "as the run")
    under = {name: config["experiments"][name].get("under") for name in experiments}
    kept = [name for number, name in enumerate(under) if number == 0 or under[name] != run]
    return {name: under[name] or run for name in kept}


def by_reading(
    shows: Mapping[str, Sequence[str]], under: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """Return experiments by label of their reading, the run's first, and printed table.

    Args:
        shows: experiments, or patterns, by printed table.
        under: label of the reading of each experiment; the first one's is the run's.

    Raises:
        InputError: none or several experiments for a printed table under one reading.
    """
    found: dict[str, dict[str, str]] = {label: {} for label in under.values()}
    own = next(iter(found))
    for table, names in shows.items():
        for experiment, label in under.items():
            if any(matches(experiment, name) for name in names):
                other = found[label].setdefault(table, experiment)
                if other != experiment:
                    raise InputError(
                        f"shows.{table}: expected one experiment for each reading, found {other} "
                        f"and {experiment} for {label!r}; narrow it"
                    )
        if table not in found[own]:
            raise InputError(
                f"shows.{table}: expected an experiment of the run's own reading, {own!r}, found "
                "none; add it"
            )
    return {label: of for label, of in found.items() if of}


def shows_faults(config: Config) -> Iterator[str]:
    """Yield a line for each table of readings whose experiments or printed tables do not fit.

    Args:
        config: config without other faults.
    """
    for name, table in config["tables"].items():
        if ":" in table["method"] or "shows" not in table:
            continue
        experiments = dict.fromkeys([table["experiment"], *table["more_experiments"]])
        try:
            by_reading(table["shows"], labels_under([*experiments], config))
        except InputError as error:
            yield f"tables.{name}.{error}"
        shown = dict.fromkeys([*table["shows"], *(table.get("errors_of") or {}).values()])
        if (of := table.get("cells_of")) is not None:
            key = key_of(["tables", name, "cells_of"])
            yield from unknown(key, of, shown, "a printed table", "shows and errors_of")
