"""Claims as data: the statements of a paper or a config, and the rules that judge them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from blindspots.config.beside import beside_faults, judged_beside
from blindspots.config.cells import cell_faults
from blindspots.config.checkout import located
from blindspots.config.lines import with_place, written
from blindspots.config.loader import load, version
from blindspots.config.methods import did_you_mean
from blindspots.config.schema import schema, schema_faults
from blindspots.config.values import listed, numbers, value_faults
from blindspots.config.wording import shown
from blindspots.interface import InputError

Claim = dict[str, Any]

SIDES = ("at_least", "at_most")
PRINTED = "printed"
"""Word for the paper's figures of the cells, as `less` of a claim."""

OURS = "ours"
"""Source of a claim that the paper does not make."""


def claims_in(path: Path) -> dict[str, Any]:
    """Return the claims of a paper (schemas/claims.schema.yaml), each with every key.

    The `cells` and `less` of a claim are lists of selections, which have lists of `runs`, `rows`
    and `columns` (None: all); `less_printed` is whether the printed figures are subtracted; its
    `key` is its place in the file. The `old` rule of a deviation is completed to a claim as well
    (None: it has none). `beside` has the runs beside others. The paper's `file` is the path.

    Raises:
        InputError: invalid file, with a line for each fault.
    """
    return _claims_in(path, version(path))


@cache
def _claims_in(path: Path, _: tuple[int, int] | None) -> dict[str, Any]:
    """Return the claims of one version of a file, cached as a run's start asks for them often."""
    raw = numbers(load(path, "a YAML file of claims"))
    if isinstance(raw, Mapping) and raw.keys().isdisjoint({"paper", "runs", "claims"}):
        raise InputError(
            f"{path}: expected a paper's claims, with the keys paper, runs and claims, found "
            f"{', '.join(map(shown, raw))}"
        )
    faults = [*value_faults(raw)] or [*schema_faults(raw, schema("claims"))]
    faults = faults or [*_rule_faults(raw["claims"]), *_deviation_faults(raw), *_paper_faults(raw)]
    if faults:
        known = written([path]).lines
        raise InputError("\n".join(with_place(fault, known, path) for fault in faults))
    made = [_filled(claim, f"claims.{n}") for n, claim in enumerate(raw["claims"])]
    log = [_logged(said, f"deviations.{n}") for n, said in enumerate(raw.get("deviations", []))]
    return {"beside": {}, **raw, "claims": made, "deviations": log, "file": str(path)}


def rules_in(paper: Mapping[str, Any]) -> list[Claim]:
    """Return the claims of a paper and the old rules of its deviations, each as a claim."""
    return [*paper["claims"], *(said["old"] for said in paper["deviations"] if said["old"])]


def claims_of(config: Mapping[str, Any]) -> list[Claim]:
    """Return the claims that a run's tables judge: its own, or those of the file that it names.

    A file's claims on other runs, or on tables that the run does not make, are left out; those on a
    run that this one stands beside are among them.

    Raises:
        InputError: invalid claims, with a line for each fault; a file of claims on other runs.
    """
    given, run, tables = config.get("claims"), config["run"], config["tables"]
    if given is None:
        return []
    if isinstance(given, str):
        paper = claims_in(located(given))
        if run not in paper["runs"]:
            raise InputError(
                f"expected claims of the run {run}, found {given}, whose claims are of the runs "
                f"{', '.join(paper['runs'])}; remove `claims`, or give this run one of these names"
                f"{did_you_mean(run, paper['runs'])}"
            )
        either = [(claim, judged_beside(claim, paper["beside"])) for claim in paper["claims"]]
        found = ([of for of in both if of and _is_judged_in(of, run, tables)] for both in either)
        return [of[0] for of in found if of]
    faults = [*schema_faults({"claims": given}, _schema_of_run())]
    faults = faults or [*_rule_faults(given), *_strangers(given)]
    made = [] if faults else [_filled(claim, f"claims.{n}", run) for n, claim in enumerate(given)]
    faults = faults or [*_table_faults(made, {run: tables})]
    if faults:
        raise InputError("\n".join(faults))
    return made


def _schema_of_run() -> dict[str, Any]:
    """Return the schema of a run's own claims, which lack the keys that only a paper's have."""
    papers = schema("claims")
    claims = papers["properties"]["claims"] | {"items": {"$ref": "#/$defs/claim"}}
    properties = papers["properties"] | {"claims": claims}
    return papers | {"required": ["claims"], "properties": properties}


def _is_judged_in(claim: Claim, run: str, tables: Mapping[str, Any]) -> bool:
    selected = [*claim["cells"], *claim["less"]]
    return bool(selected) and all(run in of["runs"] and of["table"] in tables for of in selected)


def table_faults(paper: Mapping[str, Any], configs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line for each table, row or column that a paper's claims name and their run lacks.

    Args:
        paper: claims from `claims_in`.
        configs: checked configs of its runs, by name.
    """
    claims = rules_in(paper)
    faults = [*_table_faults(claims, {run: c["tables"] for run, c in configs.items()})]
    return faults or [*cell_faults(claims, configs)]


def own_faults(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each row or column that a run's claims name and its tables lack.

    Claims on a run that it stands beside may name others.

    Args:
        config: config without other faults.
    """
    file, run, claims = config["claims"], config["run"], claims_of(config)
    if isinstance(file, str):
        claims = [of for of in claims if of in claims_in(located(file))["claims"]]
    faults = [*cell_faults(claims, {run: config})]
    if faults and isinstance(file, str):
        known = written([located(file)]).lines
        faults = [f"claims: {with_place(fault, known, file)}" for fault in faults]
    yield from faults


def _table_faults(
    claims: Sequence[Claim], tables: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    for claim in claims:
        for selection in [*claim["cells"], *claim["less"]]:
            name = selection["table"]
            for run in selection["runs"]:
                if name not in tables[run]:
                    hint = did_you_mean(name, tables[run])
                    yield (
                        f"{selection['key']}.table: expected a table of the run {run} "
                        f"({', '.join(tables[run])}), found {shown(name)}{hint}"
                    )


def _filled(claim: Claim, key: str, run: str | None = None) -> Claim:
    """Return a claim with every key; `run` is the run of its cells if they name none."""
    optional = ("where", "printed", "source", "scale", "exact", "fixed", "date", "reason", "note")
    made = dict.fromkeys((*optional, *SIDES)) | claim | {"key": key}
    made["reduction"] = claim.get("reduction", "one")
    made["less_printed"] = claim.get("less") == PRINTED
    for part in ("cells", "less"):
        selections = listed(claim.get(part, [])) if claim.get(part) != PRINTED else []
        several = isinstance(claim.get(part), list)
        made[part] = [
            {
                "key": f"{key}.{part}" + (f".{number}" if several else ""),
                "runs": listed(of.get("run", claim.get("run", run or []))),
                "table": of["table"],
                "rows": listed(of["rows"]) if "rows" in of else None,
                "columns": listed(of["columns"]) if "columns" in of else None,
            }
            for number, of in enumerate(selections)
        ]
    made.pop("run", None)
    return made


def _logged(said: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return a deviation with every key."""
    old = said.get("old")
    made = old and _filled({"claim": said["claim"], "source": "read", **old}, f"{key}.old")
    return {"claim": None, "verdict": None, **said, "old": made}


def _deviation_faults(raw: Mapping[str, Any]) -> Iterator[str]:
    """Yield faults in the log of deviations: dates, sentences that no claim has, old rules."""
    known = [claim["claim"] for claim in raw["claims"]]
    for number, said in enumerate(raw.get("deviations", [])):
        key = f"deviations.{number}"
        yield from _date_faults(said["date"], f"{key}.date")
        if "claim" in said and said["claim"] not in known:
            hint = did_you_mean(said["claim"], known)
            yield (
                f"{key}.claim: expected the sentence of a claim of this file, found "
                f"{shown(said['claim'])}{hint}"
            )
        if "old" in said:
            if "claim" not in said:
                yield f"{key}: expected the key 'claim' beside an old rule, found none; add it"
            yield from _margin_faults(said["old"], f"{key}.old")


def _rule_faults(claims: Sequence[Claim]) -> Iterator[str]:
    """Yield faults in the margins and dates of claims, and claims that occur twice."""
    seen: set[str] = set()
    for number, claim in enumerate(claims):
        key = f"claims.{number}"
        if claim["claim"] in seen:
            yield f"{key}.claim: expected each claim once, found {shown(claim['claim'])} again"
        seen.add(claim["claim"])
        yield from _margin_faults(claim, key)
        if claim.get("source") == OURS and claim.get("printed") is not None:
            found = shown(claim["printed"])
            yield f"{key}.printed: expected none for a claim of ours, found {found}; remove it"
        yield from _date_faults(claim.get("date"), f"{key}.date")


def _margin_faults(claim: Claim, key: str) -> Iterator[str]:
    rule = {"cells", "less", "reduction", "weakly", "exact", *SIDES} & claim.keys()
    if "reason" in claim:
        if rule:
            found = ", ".join(sorted(rule))
            yield f"{key}: expected a rule or the reason why there is none, found both ({found})"
        return
    if "cells" not in claim:
        yield f"{key}: expected the key 'cells' for a rule, or a reason why there is none; add one"
        return
    sides = [side for side in SIDES if side in claim]
    if len(sides) != 1:
        found = "both" if sides else "neither"
        yield f"{key}: expected either at_least or at_most, found {found}"
        return
    margin, weakly = claim[sides[0]], claim.get("weakly", claim[sides[0]])
    if (weakly > margin) if sides[0] == "at_least" else (weakly < margin):
        other = "at most" if sides[0] == "at_least" else "at least"
        yield (
            f"{key}.weakly: expected {other} {margin:g}, a weaker margin than {sides[0]}, found "
            f"{weakly:g}"
        )


def _date_faults(value: str | None, key: str) -> Iterator[str]:
    try:
        date.fromisoformat(value or "2000-01-01")
    except ValueError:
        yield f'{key}: expected a date such as "2026-11-21", found {shown(value)}'


def _paper_faults(raw: Mapping[str, Any]) -> Iterator[str]:
    """Yield faults in the runs of a paper's rules, and claims whose rule has no date."""
    rules = [(claim, f"claims.{n}") for n, claim in enumerate(raw["claims"])]
    log = raw.get("deviations", [])
    olds = [(of["old"], f"deviations.{n}.old") for n, of in enumerate(log) if "old" in of]
    for rule, key in [*rules, *olds]:
        filled = _filled(rule, key)
        for selection in [*filled["cells"], *filled["less"]]:
            if not selection["runs"]:
                yield f"{selection['key']}: expected the key 'run' here or in the claim; add it"
            for run in selection["runs"]:
                if run not in raw["runs"]:
                    known, hint = ", ".join(raw["runs"]), did_you_mean(run, raw["runs"])
                    yield (
                        f"{selection['key']}.run: expected one of the runs of this file "
                        f"({known}), found {shown(run)}{hint}"
                    )
    for claim, key in rules:
        for name in ("fixed", "date") if "cells" in claim else ():
            if name not in claim:
                yield f"{key}: expected the key {name!r} for a rule, found none; add it"
    yield from beside_faults(raw, [_filled(claim, key) for claim, key in rules])


def _strangers(claims: Sequence[Claim]) -> Iterator[str]:
    """Yield a line for each claim of a config that names a run: its run is the config's."""
    for number, claim in enumerate(claims):
        parts = [claim, *listed(claim.get("cells", [])), *listed(claim.get("less", []))]
        if any("run" in part for part in parts if part != PRINTED):
            yield f"claims.{number}: expected no run in a claim of a config, found one; remove it"
