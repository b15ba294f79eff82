"""Multiverse of readings: which reading of a paper reproduces its printed figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import numpy as np
import pandas as pd
from scipy import stats

from blindspots import statistics
from blindspots.analyses.attacked import sources
from blindspots.analyses.kit import IMAGE, NOT_FOOLED, Figures, cells, number
from blindspots.analyses.transfer import row_names
from blindspots.files.splits import SUBSETS
from blindspots.limits import Count, one_of_its, some
from blindspots.threat.outcomes import WRONG

NO_BREAK = "\N{NO-BREAK SPACE}"

Experiment = Annotated[str, one_of_its("experiments")]
Printed = Annotated[str, one_of_its("printed")]
Readings = Annotated[Mapping[str, Annotated[Mapping[Printed, Experiment], some()]], some()]


def multiverse(
    transfer: pd.DataFrame,
    clean: pd.DataFrame,
    split: pd.DataFrame,
    *,
    readings: Readings,
    images: Count,
    errors_of: Mapping[Printed, Printed] | None = None,
    printed: Mapping[str, Figures],
    renamed: Mapping[str, str] | None = None,
    cells_of: Printed | None = None,
) -> pd.DataFrame:
    """Score every reading of a paper against every cell of its tables of transfer and of errors.

    A cell fits if the printed figure is within the 95% prediction interval, given our result, for
    another run on as many images as the paper used (on all images for errors on unaltered ones).
    The interval covers only the draw of the images: the networks are the same.

    Args:
        transfer: answers to attacked images of all experiments that the readings name, with schema
            `measurements.transfer.TRANSFER`.
        clean: answers to unaltered images, with schema `threat.answers.CLEAN`.
        split: part of the split of each image.
        readings: experiments that stand for the printed tables of transfer, by reading of the paper
            and table.
        images: number of images that were attacked for the printed tables.
        errors_of: printed table with the errors on unaltered images and the distortions, by the
            printed table of transfer of the same nets.
        printed: figures of the paper's tables, by table, row and column.
        renamed: name in the paper of each net or control whose name differs.
        cells_of: printed table to show cell by cell: a row per cell, with our figure under each
            reading, and the number of readings that fit; None: a row per reading.
    """
    answers = clean.merge(split[[*IMAGE, "subset"]], on=IMAGE)
    answers = answers.assign(wrong=answers["outcome"] == WRONG)
    counted = answers.groupby(["dataset", "net", "subset"])["wrong"].agg(["sum", "size"])
    compared: list[dict[str, Any]] = []
    by_experiment = dict(list(transfer.groupby("experiment")))
    for reading, experiments in readings.items():
        for table, experiment in experiments.items():
            ours = _ours(by_experiment[experiment], counted, renamed or {}, images)
            for name, of in ((table, ours[0]), ((errors_of or {}).get(table), ours[1])):
                if name is not None:
                    compared += _compared(reading, name, of, printed[name])
    found = pd.DataFrame(compared, columns=COMPARED)
    if cells_of is not None:
        return cells(_by_cell(found[found["table"] == cells_of], list(readings)), {})
    return cells(_by_reading(found, list(readings)), {})


COMPARED = ["reading", "table", "row", "column", "unit", "value", "paper", "fits"]


def _ours(
    rows: pd.DataFrame, counted: pd.DataFrame, renamed: Mapping[str, str], images: int
) -> tuple[list[tuple], list[tuple]]:
    """Row, column, unit, value and interval of the cells of transfer, and of unaltered images."""
    rows = rows[rows["seed"] == rows["victim_seed"]]
    nets = {net: renamed.get(net, net) for net in rows["victim"].unique()}
    rows = rows.assign(row=[_renamed(name, renamed) for name in row_names(rows)])
    return [*_transfer_cells(rows, nets, images)], [*_clean_cells(rows, counted, nets, images)]


def _compared(
    reading: str, table: str, ours: list[tuple], figures: Figures
) -> Iterator[dict[str, Any]]:
    """Compare every printed cell of a table with ours under a reading."""
    for row, column, unit, value, interval in ours:
        figure = figures.get(row, {}).get(column)
        if figure is None:
            continue
        slack = statistics.rounding(figure)
        fits = interval.low - slack <= figure <= interval.high + slack
        yield {
            "reading": reading, "table": table, "row": row, "column": column, "unit": unit,
            "value": value, "paper": figure, "fits": fits,
        }  # fmt: skip


def _renamed(row: str, renamed: Mapping[str, str]) -> str:
    """Name of a row in the paper, with or without " amplified to …"."""
    name, amplified, scale = row.partition(" amplified to ")
    return renamed.get(name, name) + amplified + scale


def _transfer_cells(rows: pd.DataFrame, nets: Mapping[str, str], images: int) -> Iterator[tuple]:
    for (row, victim), of in rows.groupby(["row", "victim"], sort=False):
        wrong = of["outcome"] == WRONG
        low, high = statistics.prediction(int(wrong.sum()), len(of), images)
        interval = statistics.Interval(100 * low, 100 * high)
        yield row, nets[victim], "% error", 100 * wrong.mean(), interval
    for row, of in rows.groupby("row", sort=False):
        yield row, "distortion", "RMS per pixel", *_distortion(of, images)


def _clean_cells(
    rows: pd.DataFrame, counted: pd.DataFrame, nets: Mapping[str, str], images: int
) -> Iterator[tuple]:
    shown = rows["dataset"].unique()
    for net, name in nets.items():
        of = rows[(rows["source"] == net) & rows["amplified_to"].isna()]
        if len(of):
            yield name, "distortion", "RMS per pixel", *_distortion(of, images)
        for part, subsets in SUBSETS.items():
            there = [(dataset, net, s) for dataset in shown for s in subsets]
            there = [key for key in there if key in counted.index]
            wrong, n = counted.loc[there].sum() if there else (0, 0)
            if n:
                low, high = statistics.prediction(int(wrong), int(n), int(n))
                interval = statistics.Interval(100 * low, 100 * high)
                yield name, part, "% error", 100 * wrong / n, interval


def _distortion(rows: pd.DataFrame, images: int) -> tuple[float, statistics.Interval]:
    """Mean distortion, and the prediction interval of the mean of another run on `images` images.

    NaN if the attack failed on more than half: a mean of the others does not represent the net.
    """
    once = sources(rows)
    values = once.loc[once["fooled"], "distortion"].to_numpy()
    if len(values) < max(2, len(once) / 2):
        return np.nan, statistics.NONE
    spread = values.std(ddof=1) * np.sqrt(1 / len(values) + 1 / images)
    half = stats.t.ppf((1 + statistics.CONFIDENCE) / 2, len(values) - 1) * spread
    return float(values.mean()), statistics.Interval(values.mean() - half, values.mean() + half)


def _by_reading(found: pd.DataFrame, readings: list[str]) -> pd.DataFrame:
    found = found.astype({"fits": bool})
    fitting = found.groupby("reading")["fits"].mean()
    best = fitting.idxmax() if len(fitting) else None
    rows = []
    for reading in readings:
        of = found[found["reading"] == reading]
        groups = [(table, table.replace("table", "Table "), of[of["table"] == table])
                  for table in sorted(found["table"].unique())]  # fmt: skip
        for key, label, part in [*groups, ("all", "all cells", of)]:
            if len(part):
                text = f"{part['fits'].sum()} of {len(part)}"
                share = 100 * part["fits"].mean()
                rows.append(_cell(reading, key, label, share, "% of cells", text))
        errors = of[of["unit"] == "% error"]
        off = (errors["value"] - errors["paper"]).abs().mean()
        rows.append(_cell(reading, "points", "mean distance of errors", off, "points off"))
        lengths = of[of["unit"] == "RMS per pixel"]
        ratio = 100 * (lengths["value"] / lengths["paper"] - 1).abs().mean()
        rows.append(_cell(reading, "lengths", "mean distance of distortions", ratio, "% off"))
        mark = "fits most cells" if reading == best else ""
        rows.append(_cell(reading, "best", "", np.nan, "", mark))
    return pd.DataFrame(rows)


def _by_cell(found: pd.DataFrame, readings: list[str]) -> pd.DataFrame:
    rows = []
    for (row, column), of in found.groupby(["row", "column"], sort=False):
        name, unit = f"{row}, {column}", of["unit"].iloc[0]
        figure = of["paper"].iloc[0]
        rows.append(_cell(name, "paper", "paper", figure, unit, f"{figure:g}"))
        count = int(of["fits"].sum())
        text = f"{count} of {len(of)}" if count else "none"
        rows.append(
            _cell(name, "fits", "readings that fit", 100 * of["fits"].mean(), "% of readings", text)
        )
        ours = of.set_index("reading")
        for reading in readings:
            if reading in ours.index:
                cell = ours.loc[reading]
                shown = NOT_FOOLED if np.isnan(cell["value"]) else number(cell["value"], unit)
                text = shown + (" ✓" if cell["fits"] else "")
                rows.append(_cell(name, reading, reading, cell["value"], unit, text))
    return pd.DataFrame(rows)


def _cell(row, column, label, value, unit, text=None) -> dict[str, Any]:
    return {
        "row": row, "row_label": row, "column": column, "column_label": label, "value": value,
        "unit": unit, "text": text and text.replace(" ", NO_BREAK), "n": 0, "networks": 1,
    }  # fmt: skip
