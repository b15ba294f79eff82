"""The report: one self-contained HTML file with everything that a run found."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import jinja2
import pandas as pd
import yaml
from markupsafe import Markup

from blindspots.analyses.masking import MANY, NEARER
from blindspots.audit.run import summary as audit_summary
from blindspots.files import tables
from blindspots.provenance import commit, versions
from blindspots.report import bidi
from blindspots.report.examples import examples, origins
from blindspots.report.headlines import doubts_in, headlines, warned
from blindspots.report.readings import readings_taken, settings_in_effect
from blindspots.report.sections import labels, sections
from blindspots.report.summaries import Table, printable, repeated
from blindspots.threat.outcomes import REJECTED, WRONG

Config = Mapping[str, Any]
DESCRIPTION = "{http://purl.org/dc/elements/1.1/}description"
"""Element of a figure's file with its description in words (`figures.kit`)."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Characters with which a spreadsheet's formula may begin."""


class Figure(NamedTuple):
    """A figure: its title, its description in words, and its SVG as a data URI."""

    title: str
    description: str
    data: str


class Shown(NamedTuple):
    """A table in printable form, and its rows as files: data URIs of CSV and of Parquet."""

    printed: Table
    csv: str
    parquet: str


def render(
    template: str | Path,
    *,
    config: Config,
    summaries: Sequence[str | Path],
    figures: Mapping[str, str | Path],
    splits: Sequence[str | Path],
    audit: str | Path | None,
    pictures: Mapping[str, str | Path] | None = None,
    transfer: Mapping[str, str | Path] | None = None,
    clean: Sequence[str | Path] = (),
    flags: Mapping[str, str] | None = None,
    causes: str = "",
    made_by: str = "",
    others: Sequence[str | Path] = (),
    claims: Sequence[Config] = (),
) -> str:
    """Return the report as self-contained HTML.

    Args:
        template: a Jinja template; the files that it includes are in the same folder.
        config: the run's config, checked.
        summaries: files of the tables, in the order of the config.
        figures: SVG files by name, in the order of the config.
        splits: files of the splits' indices.
        audit: file of the audit's table; None: there was nothing to check.
        pictures: tables of pictures, by experiment.
        transfer: tables of answers to attacked images, by experiment.
        clean: tables of the victims' answers to unaltered images, of the first seed.
        flags: warnings about nets whose error is not the expected one, and about nets, attacks and
            datasets made from them, by name.
        causes: usual causes of such an error, which the warnings list.
        made_by: hash of the page's settings (see `provenance.settings_in`).
        others: files that were made with other settings; a notice on the page names them.
        claims: the run's claims, as `config.claims.claims_of` returns them.
    """
    template = Path(template)
    read = {Path(path).stem: tables.read(path) for path in summaries}
    frames = {name: table.to_pandas() for name, table in read.items()}
    written, config = config, bidi.config(config)
    flagged = []
    for name, said in (flags or {}).items():
        net = config["nets"].get(name, {"label": name})
        flagged.append((net["label"], said))
        net["label"] += f" ({said})"
    seen = {name: bidi.summary(frame) for name, frame in frames.items()}
    commits = {tables.metadata(table)["commit"] for table in read.values()}
    parts = [tables.metadata(tables.read(path)) for path in splits]
    newest = max((Path(path).stat().st_mtime for path in summaries), default=None)
    return _environment(template.parent).get_template(template.name).render(
        config=config,
        made_by=made_by,
        others=others,
        nets=labels(config, list(config["nets"])),
        newest=newest and datetime.fromtimestamp(newest, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        headlines=headlines(config, seen, claims, doubts_in(read)),
        warned=warned(seen),
        flagged=flagged,
        causes=causes,
        examples=examples(config, pictures or {}, transfer or {}, clean),
        origins=origins(config),
        sections=sections(config),
        tables={
            name: _shown(path, config["tables"][name], seen[name], frames[name])
            for name, path in zip(frames, summaries, strict=True)
        },
        figures={name: _figure(path, config["figures"][name]) for name, path in figures.items()},
        repeated=repeated(seen, config["tables"]),
        readings=readings_taken(config),
        of_paper=bool(config["printed"]) or isinstance(config["claims"], str),
        splits=parts,
        classes=parts[0].get("names", []) if parts else [],
        audit=[] if audit is None else audit_summary(audit),
        settings=settings_in_effect(written),
        config_text=yaml.safe_dump(dict(written), sort_keys=False, allow_unicode=True, width=100),
        commits=sorted(commits | {commit()}),
        versions=versions(),
    )  # fmt: skip


def _environment(folder: Path) -> jinja2.Environment:
    """Return a Jinja environment that escapes all values except `asset`s, files of the folder."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        loader=jinja2.FileSystemLoader(folder),
    )  # fmt: skip
    environment.globals |= {"WRONG": WRONG, "REJECTED": REJECTED, "MANY": MANY, "NEARER": NEARER}
    environment.globals["asset"] = lambda name: Markup((folder / name).read_text("utf-8"))
    return environment


def _shown(path: str | Path, entry: Config, seen: pd.DataFrame, frame: pd.DataFrame) -> Shown:
    return Shown(
        printable(Path(path).stem, entry["title"], seen, entry["method"]),
        _data("text/csv;charset=utf-8", frame.map(harmless).to_csv(index=False).encode()),
        _data("application/vnd.apache.parquet", Path(path).read_bytes()),
    )


def harmless(cell: Any) -> Any:
    """Quote a CSV cell with text that a spreadsheet would take for a formula.

    After OWASP, "CSV injection". Numbers stay as they are, also as text, such as "-0.5".
    """
    if not isinstance(cell, str) or not cell.startswith(FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def _figure(path: str | Path, entry: Config) -> Figure:
    content = Path(path).read_bytes()
    described = ElementTree.fromstring(content).find(f".//{DESCRIPTION}")
    text = "" if described is None else described.text or ""
    return Figure(entry["title"], text, _data("image/svg+xml", content))


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
