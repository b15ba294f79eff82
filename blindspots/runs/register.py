"""The register: one line per claim of every paper, as a Markdown page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from blindspots.config.lines import place_of, written
from blindspots.files import tables
from blindspots.interface import InputError
from blindspots.report.verdicts import WORDS, Verdict, verdicts
from blindspots.runs.markdown import grid, plain

HEAD = ["claim", "where", "printed", "ours", "verdict", "by", "rule fixed"]


def page(papers: Sequence[Mapping[str, Any]], results: Path, command: str) -> str:
    """The register of several papers.

    Args:
        papers: of `config.claims.claims_in`.
        results: the folder of the runs' results.
        command: that makes the page, to say so at its top.

    Raises:
        InputError: a claim that its table cannot judge, a damaged table.
    """

    def read(run: str, table: str) -> pd.DataFrame | None:
        path = results / run / "tables" / f"{table}.parquet"
        return tables.read(path).to_pandas() if path.exists() else None

    words = "\n".join(f"* **{word}**: {meaning}" for word, meaning in WORDS.items())
    parts = [
        "# Claims, and what became of them",
        f"Written by `{command}` from the tables of the runs and from the papers' `claims.yaml`; "
        "nothing here is typed by hand.",
        f"In square brackets 95% intervals.\n\n{words}",
    ]
    for paper in papers:
        try:
            parts += _paper(paper, verdicts(paper["claims"], read))
        except InputError as error:
            lines = written([paper["file"]]).lines
            place = place_of(str(error).partition(": ")[0], lines) or paper["file"]
            raise InputError(f"{place}: {error}") from None
    return "\n\n".join(parts) + "\n"


def _paper(paper: Mapping[str, Any], judged: Sequence[Verdict]) -> list[str]:
    counts = Counter(of.word for of in judged)
    counted = ", ".join(f"{counts[word]} {word}" for word in WORDS if counts[word])
    log = [
        f"* {of['date']}: {plain(of['what'])} Reason: {plain(of['why'])}"
        + (f" Verdict before: {plain(of['verdict'])}." if "verdict" in of else "")
        for of in paper["deviations"]
    ]
    return [
        f"## {plain(paper['paper'])}",
        f"{len(judged)} claims: {counted}.",
        grid(HEAD, [_line(of) for of in judged]),
        "Deviations from what was fixed: " + ("none." if not log else "\n\n" + "\n".join(log)),
    ]


def _line(of: Verdict) -> list[str]:
    claim = of.claim
    printed = "" if claim["printed"] is None else f"{claim['printed']:g}"
    source = "" if claim["source"] == "read" else f"({claim['source']})"
    ours = plain(of.figure) + (f" [{of.interval}]" if of.interval else "")
    fixed = f"{claim['fixed']}, {claim['date']}" if claim["fixed"] else ""
    by = "; ".join(filter(None, [of.note, of.run and f"run {of.run}", claim["note"]]))
    said = [plain(claim["claim"]), plain(claim["where"]), f"{printed} {source}".strip(), ours]
    return [*said, of.word, plain(by), fixed]
