"""Multiverse of readings: how well each reading of a paper predicts its printed figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal, get_args

import pandas as pd

from blindspots.analyses.attacked import Average
from blindspots.analyses.kit import Figures, cells
from blindspots.analyses.multiverse import shown
from blindspots.analyses.multiverse.cells import SHOWN, Cell, Key, clean_errors, experiment_cells
from blindspots.analyses.multiverse.scores import Numbers, Reading, answers_in, scored
from blindspots.config.shows import by_reading
from blindspots.files.parts import Frame, parted
from blindspots.limits import Count, NonNegative, Share, at_least, below, distinct, one_of_its, some

NOTE = (
    "Log scores are sums of the natural logarithms of the probabilities that a reading gave the "
    "printed figures, as if cells were independent; a figure fits if it lies in the central 95%. "
    "Cells that fit under every reading are left out of the score: what ranks the readings is the "
    "score of the discriminating cells, and that of a printed table is of those in it."
)
"""Explanation of the figures, below each table."""

Experiment = Annotated[str, one_of_its("experiments")]
Printed = Annotated[str, one_of_its("printed")]
Part = Annotated[str, one_of_its("parts")]
PrintedRow = Annotated[str, one_of_its("printed rows")]


def multiverse(
    transfer: Frame,
    clean: Frame,
    split: pd.DataFrame,
    *,
    shows: Annotated[Mapping[Printed, Annotated[Sequence[Experiment], some()]], some()],
    errors_of: Mapping[Printed, Printed] | None = None,
    images: Count | Mapping[PrintedRow, Count],
    averages: Annotated[Sequence[Literal["mean", "pooled"]], some(), distinct()] = ("mean",),
    same_images: Sequence[Part] = (),
    spread: Mapping[PrintedRow, NonNegative] | None = None,
    length_spread: Mapping[PrintedRow, NonNegative] | None = None,
    truncated: Annotated[float, at_least(0), below(1)] = 0.2,
    outliers: Share = 0.01,
    show: Literal[
        "readings", "cells", "rows", "undecided", "unexplained", "questions", "search"
    ] = "readings",
    cells_of: Printed | None = None,
    without: Annotated[Sequence[PrintedRow], distinct()] = (),
    printed: Mapping[str, Figures],
    under: Mapping[str, str],
    stands_for: Mapping[str, str],
    answers: Mapping[str, str],
    labels: Mapping[str, str],
) -> pd.DataFrame:
    """Score every reading of a paper by the probability that it gave each printed figure.

    Experiments on other nets and images of the same kind would come out differently. Given ours, an
    error among the paper's number of images has a beta-binomial distribution, widened by the spread
    between nets; an average length has Student's. The probability that this is printed as the paper
    has it is the score of a cell, in logarithm. A reading's score is the sum over the
    discriminating cells, those that some reading does not explain. A printed figure may also be a
    slip, or the cell may depend on something that no reading varies: `outliers` keeps such a cell
    from deciding alone, since without it a single figure that a reading makes nearly impossible
    would outweigh all others.

    Args:
        transfer: answers to attacked images of all experiments in `shows`, with schema
            `measurements.transfer.TRANSFER`.
        clean: answers to unaltered images, with schema `threat.answers.CLEAN`.
        split: part of the split of each image.
        shows: experiments, or patterns, that stand for each printed table of transfer: one of the
            run's own, and one under each other reading; a cell that a reading's own experiments
            lack is that of the run's.
        errors_of: printed table with the errors on unaltered images and the distortions, by the
            printed table of transfer of the same nets.
        images: number of images that were attacked for the printed tables; or such numbers by row
            ("gaussian-0.1", "TABLE/gaussian-*"). The longest name that matches counts. Errors on
            unaltered images are on as many as here.
        averages: averages that a printed distortion may be: the mean over images, or the root of
            their mean square ("pooled"); every reading is scored with each, unless its answers say
            which. The first is the run's.
        same_images: parts whose unaltered images are the very same as the paper's, as those of a
            public dataset: errors on them vary between nets, but no images are drawn.
        spread: standard deviation between nets of the logit of an error, by row as for `images`.
            That of the other rows of a printed table is estimated from nets of at least 3 seeds,
            pooled over these rows, and is 0 without them.
        length_spread: the same of the average distortion, as a share of it.
        truncated: share of printed figures that were truncated instead of rounded.
        outliers: share of cells that may be anything, from 0 to 100% or to 1 RMS per pixel.
        show: result: "readings", a row for each; "cells", ours under each; "rows", the score of
            each printed row under each; "undecided" cells, which fit under every reading;
            "unexplained" ones, which fit under none; "questions", the answers to each question,
            with the run's answers to the others; "search", its price.
        cells_of: printed table whose cells are shown, if cells are; None: all.
        without: rows of printed tables that are left out, by name or pattern, and with those of a
            net also the columns of its answers.
        printed: figures of the paper's tables, by table, row and column.
        under: label of the reading of each experiment, the table's `experiment` first: its reading
            is "the run's".
        stands_for: name in the paper of each net or control whose name differs.
        answers: answers of the run's reading, by question.
        labels: display name of each net.

    Raises:
        InputError: none or several experiments for a printed table under one reading, a row
            without a number of images, or no printed figure.
    """
    experiments = by_reading(shows, under)
    own, errors = next(iter(experiments)), clean_errors(clean, split, same_images)
    answers_to = parted(transfer).finder("experiment", SHOWN)
    ours: dict[str, dict[Key, Cell]] = {}
    for label, of in experiments.items():
        ours[label] = {**ours.get(own, {})}
        for table, experiment in of.items():
            ours[label] |= experiment_cells(
                answers_to([experiment]), errors, stands_for, table, (errors_of or {}).get(table)
            )
    scores = scored(
        [*_readings(experiments, averages)],
        ours,
        _kept(printed, without),
        images=Numbers({"*": images} if isinstance(images, int) else images),
        spreads=(Numbers(spread or {}), Numbers(length_spread or {})),
        truncated=truncated,
        outliers=outliers,
    )
    match show:
        case "readings":
            rows = shown.readings(scores)
        case "cells":
            rows = shown.all_cells(scores, cells_of)
        case "rows":
            rows = shown.by_row(scores)
        case "undecided":
            rows = shown.same_in_all(scores, scores.undecided, cells_of)
        case "unexplained":
            rows = shown.same_in_all(scores, scores.unexplained, cells_of)
        case "questions":
            rows = shown.questions(scores, answers)
        case "search":
            rows = shown.searched(scores, [*shows], errors_of or {})
    found = pd.DataFrame([*rows], columns=shown.COLUMNS)
    return cells(found, dict(shown.row_labels(scores.keys, labels)))


def _kept(printed: Mapping[str, Figures], without: Sequence[str]) -> Mapping[str, Figures]:
    """Return printed figures less some rows, and less the columns of that name."""
    kept = Numbers(dict.fromkeys(without, 0))
    return {
        table: {
            row: {column: figure for column, figure in of.items() if kept.of(table, column) is None}
            for row, of in rows.items()
            if kept.of(table, row) is None
        }
        for table, rows in printed.items()
    }


def _readings(
    experiments: Mapping[str, object], averages: Sequence[Literal["mean", "pooled"]]
) -> Iterator[Reading]:
    """Iterate over the readings: the labels of experiments with each average."""
    for label in experiments:
        said = dict(answers_in(label)).get("average")
        stated = [average for average in get_args(Average) if average == said]
        for average in stated or averages:
            several = not stated and len(averages) > 1
            yield Reading(label + f", average: {average}" * several, label, average)
