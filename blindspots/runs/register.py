"""The register: one line per claim of every paper, as a Markdown page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from blindspots.config.claims import OURS
from blindspots.config.lines import with_place, written
from blindspots.files import tables
from blindspots.report.verdicts import WORDS, Verdict, verdicts
from blindspots.runs.markdown import grid, plain

HEAD = ["claim", "where", "printed", "ours", "verdict", "by", "rule fixed"]


def judged(papers: Sequence[Mapping[str, Any]], results: Path) -> list[list[Verdict]]:
    """Return the verdicts on the claims of each paper.

    Args:
        papers: the papers, as `config.claims.claims_in` returns them.
        results: the folder of the runs' results.

    Raises:
        InputError: a damaged table.
    """

    @cache
    def there(run: str, table: str) -> pa.Table | None:
        path = _path(results, run, table)
        return tables.read(path) if path.exists() else None

    def read(run: str, table: str) -> pd.DataFrame | None:
        found = there(run, table)
        return None if found is None else found.to_pandas()

    def doubts(run: str, table: str) -> Mapping[str, str]:
        found = there(run, table)
        return {} if found is None else tables.metadata(found).get("doubts", {})

    return [verdicts(paper["claims"], read, doubts) for paper in papers]


def faults(
    papers: Sequence[Mapping[str, Any]], judged: Sequence[Sequence[Verdict]]
) -> Iterator[str]:
    """Iterate over the claims that their tables cannot judge: a line with its place for each.

    Args:
        papers: the papers, as `config.claims.claims_in` returns them.
        judged: the verdicts on their claims.
    """
    for paper, found in zip(papers, judged, strict=True):
        lines = written([paper["file"]]).lines
        for said in (of.fault for of in found if of.fault):
            yield with_place(said, lines, paper["file"])


def page(
    papers: Sequence[Mapping[str, Any]],
    judged: Sequence[Sequence[Verdict]],
    command: str,
    results: Path,
) -> str:
    """Return the register of several papers.

    Args:
        papers: the papers, as `config.claims.claims_in` returns them.
        judged: the verdicts on their claims.
        command: command that makes the page, named at its top.
        results: folder of the runs' results.
    """
    words = "\n".join(f"* **{word}**: {meaning}" for word, meaning in WORDS.items())
    parts = [
        "# Claims, and what became of them",
        f"Written by `{command}` from the tables of the runs and from the papers' `claims.yaml`; "
        "nothing here is typed by hand.",
        f"In square brackets 95% intervals.\n\n{words}",
    ]
    for paper, found in zip(papers, judged, strict=True):
        parts += _paper(paper, found, results)
    return "\n\n".join(parts) + "\n"


def _paper(paper: Mapping[str, Any], judged: Sequence[Verdict], results: Path) -> list[str]:
    counts = Counter(of.word for of in judged)
    counted = ", ".join(f"{word} {counts[word]}" for word in WORDS if counts[word])
    ours = sum(of.claim["source"] == OURS for of in judged)
    own = f", {ours} of them ours and not the paper's" if ours else ""
    log = [
        f"* {of['date']}: {plain(of['what'])} Reason: {plain(of['why'])}"
        + (f" Verdict before: {plain(of['verdict'])}." if "verdict" in of else "")
        for of in paper["deviations"]
    ]
    return [
        f"## {plain(paper['paper'])}",
        *_origins(paper, judged, results),
        f"{len(judged)} claims{own}: {counted}.",
        grid(HEAD, [_line(of) for of in judged]),
        "Deviations from what was fixed: " + ("none." if not log else "\n\n" + "\n".join(log)),
    ]


DIRTY = "-dirty"
"""End of a commit in a table's metadata, if files differed from it (`provenance.commit`)."""


def _origins(paper: Mapping[str, Any], judged: Sequence[Verdict], results: Path) -> Iterator[str]:
    """Yield a line with the configs and the commits of the runs that judged a paper's claims."""
    commits: dict[str, dict[str, None]] = {}
    for run, table in dict.fromkeys(by for of in judged for by in of.judged_by):
        about = tables.metadata(tables.schema_of(_path(results, run, table)))
        commits.setdefault(run, {})[about.get("commit", "unknown")] = None
    told = []
    for run, known in commits.items():
        said = (
            of.removesuffix(DIRTY)[:12] + (" with changes" if of.endswith(DIRTY) else "")
            for of in known
        )
        configs = " ".join(plain(name) for name in paper["runs"].get(run, []))
        told.append(f"{plain(run)} ({configs}) at commit {' and '.join(said)}")
    if told:
        yield f"Judged by the runs: {'; '.join(told)}."


def _path(results: Path, run: str, table: str) -> Path:
    return results / run / "tables" / f"{table}.parquet"


def _line(of: Verdict) -> list[str]:
    claim = of.claim
    printed = "" if claim["printed"] is None else f"{claim['printed']:g}"
    source = "" if claim["source"] in ("read", OURS) else f"({claim['source']})"
    where = ("ours, after " if claim["source"] == OURS else "") + claim["where"]
    ours = plain(of.figure) + (f" [{of.interval}]" if of.interval else "")
    fixed = f"{claim['fixed']}, {claim['date']}" if claim["fixed"] else ""
    by = "; ".join(filter(None, [of.note, of.run and f"run {of.run}", claim["note"]]))
    said = [plain(claim["claim"]), plain(where), f"{printed} {source}".strip(), ours]
    return [*said, of.word, plain(by), fixed]
