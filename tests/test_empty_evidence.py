"""Every analysis and figure accepts any tables that a run may have, including empty ones."""

import inspect

import pytest

from blindspots.analyses import kit
from blindspots.analyses.arms import MARGINS
from blindspots.config import methods
from blindspots.config.cells import matching, names
from blindspots.config.printed import tables_in
from blindspots.figures.kit import save, style
from blindspots.report.summaries import printable
from tests import evidence
from tests.conftest import ROOT

PRINTED = tables_in(ROOT / "papers/szegedy2013/printed.yaml")
SETTINGS = {
    "labels": {"A": r"_net $\frac$ <b>"}, "parts": ["test", "P1"], "against": ["A"],
    "shows": {"table2": ["e"], "table4": ["e"]}, "images": 256, "printed": PRINTED,
    "errors_of": {"table2": "table1"}, "paper": PRINTED["table2"],
    "under": {"e": "as printed"}, "answers": {}, "averages": ["mean", "pooled"],
    "stands_for": {"A": "FC10-1e-4", "B": "FC10-1e-2", "noise": "gaussian-0.1"},
    "margins": MARGINS, "correct": False, "primary": {"layer": "1", "measure": "purity"},
    "trained_on": {"A": "train", "B": "test", "C": "test"},
}  # fmt: skip
SHOWS = ["readings", "cells", "rows", "undecided", "unexplained", "questions", "search"]
PANELS = {
    True: [{"source": "A", "victim": "A"}, {"control": "noise", "victim": "A"}],
    False: [{"source": "A", "victim": "A"}],
}


def nothing(found):
    """Return rows with nulls in all nullable columns, except those that identify a row."""
    kept = {"source", "amplified_to", "subset", "target", "attack", "certificate", "norm", "reason"}
    for name, schema in evidence.SCHEMAS.items():
        for row in found[name]:
            for field in schema:
                if field.nullable and field.name not in kept and name not in ("split", "history"):
                    row[field.name] = None
    return found


def rejected(found):
    for name, key in (("clean", "prediction"), ("transfer", "prediction"),
                      ("attacks", "prediction"), ("attacks", "attacked_prediction")):  # fmt: skip
        for row in found[name]:
            row[key] = -1
    return found


def out_of_reach(found):
    for row in found["curves"]:
        row |= {"n": 0, "wrong": 0}
    return found


def sure(found):
    for row in found["clean"]:
        row["probabilities"] = True
    return found


def more(found):
    """Add other norms, methods, layers and untrained nets, and directions that are rejected."""
    found["ledger"] += [row | {"norm": "linf"} for row in found["ledger"]]
    lower = [row for row in found["looseness"] if row["side"] == "lower"]
    found["looseness"] += [row | {"method": "attacked"} for row in lower]
    found["looseness"] += [row | {"method": "jacobian"} for row in lower]
    for row in found["attacks"]:
        row["target"] = 2
    for row in found["pockets"]:
        row["rejected"] = int(row["directions"] > 0)
    for name, place in (("units", {"place": "after"}), ("unit_rotations", {})):
        found[name] += [row | {"layer": "2"} | place for row in found[name]]
        found[name] += [row | {"trained": False} for row in found[name]]
    return found


def without(found, *names):
    return found | {name: [] for name in names}


CASES = {
    "plain": lambda: evidence.rows(),
    "plain, unnamed": lambda: evidence.rows(),  # no net has a figure in the paper
    "no success": lambda: evidence.rows(fooled=lambda index: False, wrong=0),
    "one success": lambda: evidence.rows(fooled=lambda index: index == 4, wrong=0),
    "one image": lambda: evidence.rows(n=1, wrong=0, seeds=(0,)),
    "one image, wrong": lambda: evidence.rows(n=1, seeds=(0,)),
    "every image wrong": lambda: evidence.rows(wrong=6),
    "one net": lambda: evidence.rows(nets=("A",)),
    "no controls": lambda: evidence.rows(controls=False),
    "everything rejected": lambda: rejected(evidence.rows()),
    "out of reach": lambda: out_of_reach(evidence.rows()),
    "probabilities": lambda: sure(evidence.rows()),
    "three nets": lambda: evidence.rows(nets=("A", "B", "C")),
    "three nets and more": lambda: more(evidence.rows(nets=("A", "B", "C"))),
    "nothing": lambda: nothing(evidence.rows()),
    "no rows of jobs that need not be": lambda: without(
        evidence.rows(), "lipschitz", "history", "looseness", "units", "unit_rotations"
    ),
}


@pytest.fixture(scope="module", params=CASES)
def run(request, tmp_path_factory):
    """A case's name, and its tables by name; a search's tables have validation images."""
    folder = tmp_path_factory.mktemp("run")
    made = CASES[request.param]()
    tables = evidence.frames(folder, made)
    return request.param, tables, evidence.frames(folder, evidence.validation(made))["split"]


def called(case, role, method, tables, **more):
    function = methods.find(role, method)
    takes = inspect.signature(function).parameters
    controls = tables["transfer"]["source"].isna().any()
    given = SETTINGS | {"panels": PANELS[bool(controls)]}
    if case == "plain, unnamed":
        given |= {"stands_for": {}}
    if case == "three nets and more":
        given |= {"differences": {"kind": ["C"], "size": ["[AB]"]}}
    settings = {name: value for name, value in (given | more).items() if name in takes}
    return function(**{name: tables[name] for name in methods.inputs(role, method)}, **settings)


@pytest.mark.parametrize("method", methods.names("analyses"))
def test_an_analysis_gives_a_table_that_can_be_read(run, method):
    case, tables, validation = run
    if method == "search":
        tables = tables | {"split": validation}
    summary = called(case, "analyses", method, tables)
    table = kit.checked(summary, method).to_pandas()
    for _, cells in printable(method, method, table).rows:
        for cell in (cell for cell in cells if cell is not None):
            shown = f"{cell.value} {cell.interval} {cell.detail}".split()
            assert not {"nan", "inf", "None", "<NA>"} & set(shown), (case, cell)
    of = {"method": method, "experiment": "e", "more_experiments": [], **SETTINGS}
    nets = {name: {"parents": {}, "attacked": {}, "checkpoint": None} for name in "ABC"}
    shown = {"sources": [*nets], "victims": [*nets], "attacks": ["lbfgs"], "controls": ["noise"]}
    config = {"nets": nets, "experiments": {"e": shown}, "attacks": ["lbfgs", "noise"]}
    for part in ("rows", "columns"):
        known = names(part, of, config)
        cells = {*table[part[:-1]]}
        assert known is None or {c for name in known for c in matching(name, [*cells])} == cells
    measured = table["value"].notna()
    assert table.loc[measured, "reason"].isna().all()


@pytest.mark.parametrize("show", SHOWS)
def test_readings_of_any_evidence_can_be_shown(run, show):
    case, tables, _ = run
    summary = called(case, "analyses", "multiverse", tables, show=show)
    for _, cells in printable(show, "multiverse", kit.checked(summary, show).to_pandas()).rows:
        shown = " ".join(f"{cell.value} {cell.detail}" for cell in cells if cell is not None)
        assert not {"nan", "inf", "None", "<NA>"} & set(shown.split()), (case, shown)


@pytest.mark.parametrize("method", methods.names("figures"))
def test_a_figure_is_drawn(run, method, tmp_path):
    case, tables, _ = run
    with style():
        save(called(case, "figures", method, tables), tmp_path / "figure.svg")
    text = (tmp_path / "figure.svg").read_text("utf-8")
    assert "<svg" in text
    assert ">nan" not in text
