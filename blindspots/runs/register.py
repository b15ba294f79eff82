"""The register: one line per claim of every paper, as a Markdown page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from blindspots.config.beside import judged_beside
from blindspots.config.claims import OURS
from blindspots.config.lines import with_place, written
from blindspots.files import tables
from blindspots.report.nulls import DRAWS, Rates, rates
from blindspots.report.verdicts import NOT_RUN, WORDS, Verdict, verdicts
from blindspots.runs.markdown import grid, plain

HEAD = [
    "claim", "where", "printed", "ours", "verdict", "by", "rule fixed", "false confirmations",
]  # fmt: skip


ONE_SEED = "for the networks of one seed only"
"""Note on a claim that is judged on a single network of each kind."""


class Judged(NamedTuple):
    """Verdicts on a paper.

    Attributes:
        claims: a verdict on each claim.
        old: a verdict by the old rule of each deviation; None if it has none.
        beside: a verdict on each claim by the run beside its own; None if there is none, or if that
            run was made without the tables.
    """

    claims: list[Verdict]
    old: list[Verdict | None]
    beside: list[Verdict | None]


def judged(papers: Sequence[Mapping[str, Any]], results: Path) -> list[Judged]:
    """Return the verdicts on the claims of each paper, by their old rules, and by runs beside.

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

    def by(paper: Mapping[str, Any]) -> Judged:
        def each(claims: Iterable[Mapping[str, Any] | None]) -> list[Verdict | None]:
            return [verdicts([of], read, doubts)[0] if of else None for of in claims]

        before = each(said["old"] for said in paper["deviations"])
        beside = each(judged_beside(claim, paper["beside"]) for claim in paper["claims"])
        made = {run for run in paper["beside"].values() if (results / run).is_dir()}
        there = [None if of and of.word == NOT_RUN and _runs(of) & made else of for of in beside]
        return Judged(verdicts(paper["claims"], read, doubts), before, there)

    return [by(paper) for paper in papers]


def _runs(of: Verdict) -> set[str]:
    """Return the runs that may judge a claim."""
    return {run for part in ("cells", "less") for cell in of.claim[part] for run in cell["runs"]}


def faults(papers: Sequence[Mapping[str, Any]], judged: Sequence[Judged]) -> Iterator[str]:
    """Iterate over the rules that their tables cannot judge: a line with its place for each.

    Args:
        papers: the papers, as `config.claims.claims_in` returns them.
        judged: the verdicts on their claims.
    """
    for paper, found in zip(papers, judged, strict=True):
        lines = written([paper["file"]]).lines
        for said in (of.fault for of in (*found.claims, *found.old) if of and of.fault):
            yield with_place(said, lines, paper["file"])


def page(
    papers: Sequence[Mapping[str, Any]],
    judged: Sequence[Judged],
    command: str,
    results: Path,
    under: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """Return the register of several papers.

    Args:
        papers: the papers, as `config.claims.claims_in` returns them.
        judged: the verdicts on their claims.
        command: command that makes the page, named at its top.
        results: folder of the runs' results.
        under: readings of the runs that have one, as in their checked configs.
    """
    words = "\n".join(f"* **{word}**: {meaning}" for word, meaning in WORDS.items())
    parts = [
        "# Claims, and what became of them",
        f"Written by `{command}` from the tables of the runs and from the papers' `claims.yaml`; "
        "nothing here is typed by hand.",
        f"In square brackets 95% intervals; where a figure is the least, the median or the largest "
        f"of several cells, they allow for the choice among these.\n\n{words}",
        FALSE,
    ]
    for paper, found in zip(papers, judged, strict=True):
        parts += _paper(paper, found, results, under or {})
    return "\n\n".join(parts) + "\n"


FALSE = (
    f'**False confirmations**: how often a rule says "holds" where it must not, in {DRAWS} '
    "simulations, which are themselves off by up to 0.3 points in one case of twenty. The true "
    "figure is at the margin, where a rule may do so in 2.5% of cases at most; of differences the "
    "rate with equal arms stands beside it. Intervals are taken at their word: cells are drawn, "
    "independently of each other, with the standard errors that their intervals imply. Where a "
    "figure is of several cells, they keep their distances from each other."
)


def _paper(
    paper: Mapping[str, Any],
    judged: Judged,
    results: Path,
    under: Mapping[str, Mapping[str, Any]],
) -> list[str]:
    counts = Counter(of.word for of in judged.claims)
    counted = ", ".join(f"{word} {counts[word]}" for word in WORDS if counts[word])
    found = [rates(of) for of in judged.claims]
    now = {of.claim["claim"]: of for of in judged.claims}
    ours = sum(of.claim["source"] == OURS for of in judged.claims)
    own = f", {ours} of them ours and not the paper's" if ours else ""
    log = [
        _deviation(said, before, now.get(said["claim"]))
        for said, before in zip(paper["deviations"], judged.old, strict=True)
    ]
    head, lines = [*HEAD], [_line(*of) for of in zip(judged.claims, found, strict=True)]
    if paper["beside"]:
        place = HEAD.index("verdict") + 1
        head.insert(place, plain(", ".join(dict.fromkeys(paper["beside"].values()))))
        for line, of, other in zip(lines, judged.claims, judged.beside, strict=True):
            line.insert(place, _beside(of, other))
    return [
        f"## {plain(paper['paper'])}",
        *_origins(paper, judged, results),
        f"{len(judged.claims)} claims{own}: {counted}.",
        *_readings(paper["beside"], judged, under),
        *_false(found),
        grid(head, lines),
        "Deviations from what was fixed: " + ("none." if not log else "\n\n" + "\n".join(log)),
    ]


def _readings(
    beside: Mapping[str, str], judged: Judged, under: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Yield a paragraph on each run that stands beside another, and on their readings."""
    both = [*zip(judged.claims, judged.beside, strict=True)]
    for run, other in beside.items():
        there = [(a, b) for a, b in both if b and b.word != NOT_RUN and other in _runs(b)]
        differ = sum(_differ(*of) for of in there)
        told = (
            f"In the column {plain(other)} the same rules judge the run {plain(other)} in place of "
            f"{plain(run)}; verdicts that differ from the one before are in bold, {differ} of "
            f"{len(there)}."
        )
        fewer = sum(b.networks < a.networks for a, b in there if b.networks)
        if fewer:
            told += (
                f" For {fewer} of these {plain(other)} has networks of fewer seeds than the run "
                "before; the verdicts may then differ by the kind of interval alone."
            )
        if run in under and other in under:
            names = [plain(under[of].get("name", "answers of its own")) for of in (run, other)]
            told += f" Readings: {plain(run)} has {names[0]}, {plain(other)} has {names[1]}"
            told += _differences(*(under[of]["answers"] for of in (run, other))) + "."
        yield told


def _differences(one: Mapping[str, str], other: Mapping[str, str]) -> str:
    """Name the questions that two readings answer differently, with both answers."""
    found = [
        f"{question} ({', '.join(of.get(question, 'as the config has it') for of in (one, other))})"
        for question in {**one, **other}
        if one.get(question) != other.get(question)
    ]
    return f", which differ in {plain('; '.join(found))}" if found else ""


def _differ(of: Verdict, other: Verdict) -> bool:
    return NOT_RUN not in (of.word, other.word) and of.word != other.word


def _beside(of: Verdict, other: Verdict | None) -> str:
    """Return the cell of a second verdict on a claim, in bold if it is another one."""
    if other is None:
        return ""
    word = f"**{other.word}**" if _differ(of, other) else other.word
    return f"{_ours(other)}, {word}" if other.figure else word


def _false(found: Sequence[Rates]) -> Iterator[str]:
    """Yield a sentence on the rates of false confirmations of all rules that have one."""
    told = []
    for where, values in (
        ("with the true figure at the margin", [of.at_margin for of in found]),
        ("with equal arms", [of.equal_arms for of in found]),
    ):
        known = np.array([rate for rate in values if not np.isnan(rate)])
        if len(known):
            mean, most = _percent(known.mean()), _percent(known.max())
            told.append(f"{where} {mean} in the mean of {len(known)}, {most} at most")
    if told:
        yield f"False confirmations, by rule: {'; '.join(told)}."


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f}%"


def _deviation(said: Mapping[str, Any], old: Verdict | None, now: Verdict | None) -> str:
    """Return the line of a deviation, with the verdicts by its old rule and by today's."""
    told = f"* {said['date']}: {plain(said['what'])} Reason: {plain(said['why'])}"
    if said["verdict"] is not None:
        told += f" Verdict before: {plain(said['verdict'])}."
    if old is not None:
        told += f" Old rule: {_outcome(old)}."
    if now is not None:
        told += f" New rule: {_outcome(now)}."
    return told


def _outcome(of: Verdict) -> str:
    """Return a verdict as text: the rule, the word, the figure and its run."""
    figure = ", ".join(filter(None, [_ours(of), of.run and f"run {plain(of.run)}"]))
    return f"{plain(of.note)} → {of.word}" + (f" ({figure})" if figure else "")


DIRTY = "-dirty"
"""End of a commit in a table's metadata, if files differed from it (`provenance.commit`)."""


def _origins(paper: Mapping[str, Any], judged: Judged, results: Path) -> Iterator[str]:
    """Yield a line with the configs and the commits of the runs that judged a paper's claims."""
    commits: dict[str, dict[str, None]] = {}
    every = [of for found in judged for of in found if of is not None]
    for run, table in dict.fromkeys(by for of in every for by in of.judged_by):
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


def _ours(of: Verdict) -> str:
    return plain(of.figure) + (f" [{of.interval}]" if of.interval else "")


def _line(of: Verdict, false: Rates) -> list[str]:
    claim = of.claim
    printed = "" if claim["printed"] is None else f"{claim['printed']:g}"
    source = "" if claim["source"] in ("read", OURS) else f"({claim['source']})"
    where = ("ours, after " if claim["source"] == OURS else "") + claim["where"]
    fixed = f"{claim['fixed']}, {claim['date']}" if claim["fixed"] else ""
    alone = ONE_SEED if of.networks == 1 else ""
    by = "; ".join(filter(None, [of.note, of.run and f"run {of.run}", alone, claim["note"]]))
    said = [plain(claim["claim"]), plain(where), f"{printed} {source}".strip(), _ours(of)]
    at_margin = "" if np.isnan(false.at_margin) else _percent(false.at_margin)
    equal = "" if np.isnan(false.equal_arms) else f", {_percent(false.equal_arms)} with equal arms"
    return [*said, of.word, plain(by), fixed, at_margin + equal]
