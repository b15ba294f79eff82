"""Faults in the cells that claims name: rows and columns that, by the config, do not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from blindspots.config import methods, traits
from blindspots.config.ancestry import ancestors
from blindspots.config.wording import shown

Config = Mapping[str, Any]

ANY = "*"

CONSTANTS = {"rows": "ROW_NAMES", "columns": "COLUMNS"}

MOST = 20
"""Maximum number of names that a message lists."""


def names(part: str, table: Config, config: Config) -> list[str] | None:
    """Return the rows or columns that a table may have, with * for names known only from its run.

    The package's analyses declare them in their constants `ROW_NAMES` and `COLUMNS`, a
    sequence or the keys of a mapping. "{parts}" stands for each entry of the table's setting
    `parts`, "{victims}" for each victim of its experiments, "{nets}" for each net of these and
    those that it is made of, "{attacks}" for each attack and control of these. For a table without
    an experiment they stand for all of the config.

    Args:
        part: "rows" or "columns".
        table: the table's section in the config.
        config: the checked config.

    Returns:
        The names; None if the analysis is not the package's, or declares none.
    """
    method = table["method"]
    said = None if ":" in method else traits.constant("analyses", method, CONSTANTS[part])
    if said is None:
        return None
    found = []
    for name in said:
        keys = re.findall(r"\{(\w+)\}", name)
        every = product(*(_values(key, table, config) for key in keys))
        found += [name.format(**dict(zip(keys, values, strict=True))) for values in every]
    return list(dict.fromkeys(found))


def _values(key: str, table: Config, config: Config) -> list[str]:
    if key in table:
        return list(table[key])
    own = [name for name in (table["experiment"], *table["more_experiments"]) if name]
    if key in ("nets", "attacks") and not own:
        return list(config[key])
    experiments = [config["experiments"][name] for name in own or config["experiments"]]
    if key == "attacks":
        return [name for one in experiments for name in (*one["attacks"], *one["controls"])]
    if key == "nets":
        shown = [("nets", net) for one in experiments for net in (*one["sources"], *one["victims"])]
        there = {*shown, *ancestors(dict(config), shown)}
        return [net for net in config["nets"] if ("nets", net) in there]
    return [name for one in experiments for name in one.get(key, [ANY])]


def matching(name: str, known: Sequence[str]) -> list[str]:
    """Return the known names that match a name, in which * stands for any text."""
    pattern = re.escape(name).replace(r"\*", ".*")
    return [each for each in known if re.fullmatch(pattern, each)]


def cell_faults(claims: Sequence[Config], configs: Mapping[str, Config]) -> Iterator[str]:
    """Yield a line for each row or column that a table lacks, and for several unreduced cells.

    Args:
        claims: claims as `config.claims` fills them in, on existing tables.
        configs: checked configs of their runs, by name; claims on other runs are skipped.
    """
    for claim in claims:
        for part in ("cells", "less"):
            yield from _count_faults(claim, part)
            for selection in claim[part]:
                for run in selection["runs"]:
                    if run in configs:
                        yield from _name_faults(selection, run, configs[run])


def printed_faults(config: Config, figures: Mapping[str, Config]) -> Iterator[str]:
    """Yield a line for each table that has none of the rows or of the columns printed for it.

    A run may have some of a paper's nets, so that a printed row without one of ours is no fault.

    Args:
        config: the checked config.
        figures: tables of printed figures, by table, row and column.
    """
    for table, section in config["tables"].items():
        rows = figures.get(section["paper"], {})
        columns = dict.fromkeys(column for row in rows.values() for column in row)
        for part, given in (("rows", rows), ("columns", columns)):
            known = names(part, section, config)
            if known and given and not any(_may_be(name, known) for name in given):
                yield (
                    f"tables.{table}.paper: expected a {part[:-1]} of {section['paper']} in "
                    f"{config['printed']} that the table has ({_some(known)}), found none of its "
                    f"own ({_some(list(given))}); rename them there"
                )


def _some(known: Sequence[str]) -> str:
    return ", ".join([*known[:MOST], *(["…"] if len(known) > MOST else [])])


def _name_faults(selection: Config, run: str, config: Config) -> Iterator[str]:
    table = selection["table"]
    for part in (part for part in ("rows", "columns") if selection[part] is not None):
        known = names(part, config["tables"][table], config)
        for name in selection[part]:
            if known is not None and not _may_be(name, known):
                yield (
                    f"{selection['key']}.{part}: expected a {part[:-1]} of the table {table} of "
                    f"the run {run} ({_some(known)}), found {shown(name)}"
                    f"{methods.did_you_mean(name, known)}"
                )


def _may_be(name: str, known: Sequence[str]) -> bool:
    name = name.rpartition("/")[2] or name  # rows of several attacks begin with "ATTACK/"
    open_ones = [each for each in known if ANY in each]
    return bool(
        matching(name, known)
        or any(matching(each, [name]) for each in open_ones)
        or (ANY in name and open_ones)
    )


def _count_faults(claim: Config, part: str) -> Iterator[str]:
    """Yield a fault if a claim lists several cells that it does not reduce; a pattern counts once.

    What is subtracted is one cell, or several of which the mean is taken.
    """
    count = sum(
        max(len(selection["rows"] or []), 1) * max(len(selection["columns"] or []), 1)
        for selection in claim[part]
    )
    reduction = claim["reduction"]
    if count > 1 and reduction == "one":
        yield (
            f"{claim['key']}.{part}: expected one cell, found {count}; add a reduction (least, "
            "median, largest, mean), or name one row and column"
        )
    elif count > 1 and part == "less" and reduction != "mean":
        yield (
            f"{claim['key']}.less: expected one cell to subtract for the {reduction}, found "
            f"{count}; name one row and column, or take the mean"
        )
