"""Experiments of each reading that a table of readings, by its setting `shows`, compares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from blindspots.config.naming import matches
from blindspots.config.printed import printed
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
    """Yield a line for each table of readings whose experiments or printed rows do not fit.

    Args:
        config: config without other faults.
    """
    for name, table in config["tables"].items():
        if ":" in table["method"] or "shows" not in table:
            continue
        experiments = dict.fromkeys([table["experiment"], *table["more_experiments"]])
        try:
            found = by_reading(table["shows"], labels_under([*experiments], config))
        except InputError as error:
            yield f"tables.{name}.{error}"
        else:
            yield from _row_faults(f"tables.{name}", table, next(iter(found.values())), config)
        shown = dict.fromkeys([*table["shows"], *(table.get("errors_of") or {}).values()])
        if (of := table.get("cells_of")) is not None:
            key = key_of(["tables", name, "cells_of"])
            yield from unknown(key, of, shown, "a printed table", "shows and errors_of")


def _row_faults(key: str, table: Config, own: Mapping[str, str], config: Config) -> Iterator[str]:
    """Yield a line if a table has no printed row, and for each without a number of images.

    Args:
        key: key of the table in the config.
        table: its section.
        own: experiments of the run's reading by printed table.
        config: config without other faults.
    """
    rows = [*_rows(table, own, config)]
    if not rows:
        remedy = "name fewer in without" if table.get("without") else "correct shows"
        yield (
            f"{key}: expected printed rows of {', '.join(own)} that the experiments have and "
            f"without does not leave out, found none; {remedy}"
        )
    images = table["images"]
    for printed_table, row in rows:
        if isinstance(images, Mapping) and not _is_named(printed_table, row, images):
            yield (
                f"{key}.images: expected a number for every printed row, found none for "
                f'{printed_table}/{row}; add one for it, or for "*", all others'
            )


def _rows(table: Config, own: Mapping[str, str], config: Config) -> Iterator[tuple[str, str]]:
    """Iterate over the printed rows, with their tables, that a table of readings scores."""
    figures, without = printed(config), table.get("without", ())
    for shown, name in own.items():
        experiment = config["experiments"][name]
        nets = _names(config["nets"], (*experiment["sources"], *experiment["victims"]))
        controls = _names(config["attacks"], experiment["controls"])
        scales = experiment["amplify"]
        amplified = {f"{net} amplified to {scale:g}" for net in nets for scale in scales}
        errors: str = (table.get("errors_of") or {}).get(shown, "")
        for of, known in ((shown, nets | controls | amplified), (errors, nets)):
            for row, columns in figures.get(of, {}).items():
                left = [one for one in columns if not _is_named(of, one, without)]
                if left and row in known and not _is_named(of, row, without):
                    yield of, row


def _names(entries: Config, names: Iterable[str]) -> set[str]:
    """Return names in the paper of nets or controls."""
    return {entries[name].get("stands_for", name) for name in names}


def _is_named(table: str, row: str, names: Iterable[str]) -> bool:
    """Return whether names or patterns of ROW or TABLE/ROW name a printed row."""
    return any(matches(row, name) or matches(f"{table}/{row}", name) for name in names)
