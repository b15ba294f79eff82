"""The report: one HTML file with the tables, figures, readings and config of a run, all inlined."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import pandas as pd
import yaml

from blindspots import methods, tables
from blindspots._method_faults import PROVIDED
from blindspots.audit.run import summary as audit_summary
from blindspots.config import instances, method_settings
from blindspots.provenance import commit, versions

FORMATS = {
    "%": "{:.2f}",
    "% error": "{:.1f}",
    "points": "{:+.1f}",
    "% points": "{:+.2f}",
    "p": "{:.2g}",
    "points off": "{:.1f}",
    "% off": "{:.1f}",
    "RMS per pixel": "{:.3f}",
}
"""How our values of a unit are printed, others with four digits; the paper's as it prints them."""


class Cell(NamedTuple):
    """One figure of a table.

    Attributes:
        value: ours, as text.
        interval: its 95% interval, as text; "" where there is none.
        paper: the paper's, as text; "" where it prints none.
        note: how many images and networks it is from.
        shade: how strong its background is, from 0 to 1; None: plain.
    """

    value: str
    interval: str
    paper: str
    note: str
    shade: float | None


class Table(NamedTuple):
    """A summary table, ready to print.

    Attributes:
        name: in the config.
        title: its heading.
        columns: their headings.
        rows: label and cells; None where the table has no such cell.
        has_paper: whether the paper prints any of its figures.
        caption: how many images and networks the figures are from, and what the intervals are.
        footnotes: why cells have no value, in the order of their marks (1, 2, …).
    """

    name: str
    title: str
    columns: list[str]
    rows: list[tuple[str, list[Cell | None]]]
    has_paper: bool
    caption: str
    footnotes: list[str]


INTERVALS = {
    "wilson": "Wilson's, of a rate on one network",
    "student": "Student's, over networks",
    "paired": "of a paired difference on one network (Agresti and Min 2005)",
    "images": "Student's, over the images of one network",
    "median": "of a median by order statistics, on one network",
}
"""What the 95% intervals are, by the names that the tables give."""


def printable(name: str, title: str, summary: pd.DataFrame) -> Table:
    """Lay a tidy summary out in rows and columns, in their order of appearance.

    Args:
        name: of the table in the config.
        title: its heading.
        summary: with the schema of `analyses._summary`.
    """
    footnotes = list(summary.loc[_missing(summary), "reason"].dropna().unique())
    cells = {(c["row"], c["column"]): _cell(c, footnotes) for c in summary.to_dict("records")}
    rows = dict(zip(summary["row"], summary["row_label"], strict=True))
    units = {"%": " (%)"}
    columns = {
        cell["column"]: cell["column_label"] + units.get(cell["unit"], "")
        for cell in summary.to_dict("records")
    }
    body = [
        (label, [cells.get((row, column)) for column in columns]) for row, label in rows.items()
    ]
    has_paper = bool(summary["paper"].notna().any())
    return Table(name, title, list(columns.values()), body, has_paper, _caption(summary), footnotes)


def _missing(summary: pd.DataFrame) -> pd.Series:
    return summary["value"].isna() & summary["text"].isna()


def _caption(summary: pd.DataFrame) -> str:
    counted = sorted(n for n in summary["n"].unique() if n)
    images = " to ".join(str(n) for n in dict.fromkeys([*counted[:1], *counted[-1:]]))
    parts = [f"n = {images} images"] if counted else []
    networks = summary["networks"].max() if len(summary) else 0
    parts += [f"mean of {networks} networks"] if networks > 1 else []
    kinds = [INTERVALS.get(kind, kind) for kind in summary["interval"].dropna().unique()]
    parts += [f"in square brackets the 95% interval: {'; '.join(kinds)}"] if kinds else []
    return ", ".join(parts)


def _cell(cell: Mapping[str, Any], footnotes: Sequence[str]) -> Cell:
    value, unit = cell["value"], cell["unit"]
    form = FORMATS.get(unit, "{:.4g}")
    if isinstance(cell["text"], str):
        ours = cell["text"]
    elif pd.isna(value):
        reason = cell["reason"]
        ours = f"– ({footnotes.index(reason) + 1})" if isinstance(reason, str) else "–"
    else:
        ours = form.format(value)
    has_interval = pd.notna(cell["low"]) and pd.notna(cell["high"])
    interval = f"{form.format(cell['low'])}, {form.format(cell['high'])}" if has_interval else ""
    paper = "" if pd.isna(cell["paper"]) else f"{cell['paper']:g}"
    notes = [f"{cell['n']} images"] if cell["n"] else []
    notes += [f"mean of {cell['networks']} networks"] if cell["networks"] > 1 else []
    shade = value / 100 if unit == "% error" and pd.notna(value) else None
    return Cell(ours, interval, paper, ", ".join(notes), shade)


def settings_in_effect(config: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Each method behind a run's results: its key, its name, and all its settings as text."""
    aimed = {experiment["attack"] for experiment in config["experiments"].values()}
    found = []
    for key, role, instance in instances(dict(config)):
        if role in ("analyses", "figures"):  # how results are shown
            continue
        settings = methods.defaults(role, instance["method"])
        settings = {k: v for k, v in settings.items() if k not in PROVIDED[role]}
        if role == "trainers" and methods.takes(role, instance["method"], "decay_scale"):
            settings["decay_scale"] = config["decay_scale"]
        if role == "attacks" and key.partition(".")[2] in aimed:
            settings["target"] = instance["target"]
        settings |= method_settings(instance, role)
        text = ", ".join(f"{name} = {value}" for name, value in settings.items())
        found.append((key, instance["method"], text or "none"))
    return found


def _together(answers: Mapping[str, str]) -> str:
    """What holds for most names, and who differs: "random; next: A, B"."""
    names: dict[str, list[str]] = {}
    for name, answer in answers.items():
        names.setdefault(answer, []).append(name)
    first, *others = sorted(names, key=lambda answer: -len(names[answer]))
    return "; ".join([first, *(f"{answer}: {', '.join(names[answer])}" for answer in others)])


def readings_taken(config: Mapping[str, Any]) -> dict[str, str]:
    """What a run took where the paper leaves a choice open, as text by question."""
    experiments = config["experiments"]
    attacks = {
        name: methods.defaults("attacks", attack["method"]) | attack
        for name, attack in config["attacks"].items()
    }
    images = {name: f"{e['n']} of part {e['part']}" for name, e in experiments.items()}
    clipped = {
        name: "amplified images clipped" if e["clip"] else "amplified images not clipped"
        for name, e in experiments.items()
        if e["amplify"]
    }
    clipped |= {
        name: "clipped" if attack["clip"] else "not clipped"
        for name, attack in attacks.items()
        if "clip" in attack
    }
    penalties = {n: a for n, a in attacks.items() if a["method"] == "lbfgs"}
    distances = {"l2_squared": "c·‖r‖₂², smooth at 0", "l2": "c·‖r‖₂"}
    searches = {
        "bisect": "the largest c that reaches the target, bracketed and bisected",
        "first_success": "the largest power of ten for c that reaches the target",
    }
    trainers = {n: net["trainer"] for n, net in config["nets"].items() if net["trainer"]}
    factors = {
        name: trainer.get("decay_scale", config["decay_scale"])
        for name, trainer in trainers.items()
        if methods.takes("trainers", trainer["method"], "decay_scale")
    }
    mixed = {
        name: methods.defaults("trainers", trainer["method"]) | trainer
        for name, trainer in trainers.items()
        if trainer["method"] == "adversarial_pools"
    }
    decoupled = {n: "decoupled from the gradient (AdamW)" for n, t in mixed.items() if t["decay"]}
    found = {
        "decay": {n: f"as printed times {factor:g}" for n, factor in factors.items()} | decoupled,
        "pools": {
            name: f"of {t['layers']}, {t['kind']}, at most {t['strength']} RMS per unit, "
            f"{100 * t['mix']:g}% of a batch"
            for name, t in mixed.items()
            if t["layers"] != []
        },
        "target": {n: str(attacks[e["attack"]]["target"]) for n, e in experiments.items()},
        "distance": {n: distances[a["distance"]] for n, a in penalties.items()},
        "search": {n: searches[a["search"]] for n, a in penalties.items()},
        "images": images,
        "clipping": clipped,
    }
    return {question: _together(answers) for question, answers in found.items() if answers}


def render(
    template: str | Path,
    *,
    config: Mapping[str, Any],
    summaries: Sequence[str | Path],
    figures: Mapping[str, str | Path],
    splits: Sequence[str | Path],
    audit: str | Path | None,
) -> str:
    """The report as HTML, with nothing to fetch.

    Args:
        template: a Jinja template.
        config: of the run, checked.
        summaries: files of the tables, in the order of the config.
        figures: SVG files by name, likewise.
        splits: files of the splits' indices.
        audit: its table; None: there was nothing to check.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    printed, commits = [], {commit()}
    for path in summaries:
        summary = tables.read(path)
        title = tables.metadata(summary)["title"]
        commits.add(tables.metadata(summary)["commit"])
        printed.append(printable(Path(path).stem, title, summary.to_pandas()))
    pictures = [
        {
            "name": name,
            "title": config["figures"][name]["title"],
            "data": base64.b64encode(Path(path).read_bytes()).decode(),
        }
        for name, path in figures.items()
    ]
    return environment.from_string(Path(template).read_text("utf-8")).render(
        config=config,
        readings=readings_taken(config),
        tables=printed,
        figures=pictures,
        splits=[tables.metadata(tables.read(path)) for path in splits],
        audit=[] if audit is None else audit_summary(audit),
        settings=settings_in_effect(config),
        config_text=yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, width=100),
        commits=sorted(commits),
        versions=versions(),
    )
