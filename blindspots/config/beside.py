"""Claims that a second run judges beside their own, such as the same nets under another reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from blindspots.config.wording import unknown

Claim = Mapping[str, Any]


def judged_beside(claim: Claim, beside: Mapping[str, str]) -> dict[str, Any] | None:
    """Return a claim with the runs beside its own in their place; None if there are none.

    Cells of other runs stay as they are.

    Args:
        claim: the claim, as `config.claims` completes it.
        beside: for some of the runs, the run beside it.
    """
    selected = [*claim["cells"], *claim["less"]]
    if not any(run in beside for of in selected for run in of["runs"]):
        return None

    def other(of: Mapping[str, Any]) -> dict[str, Any]:
        runs = [*dict.fromkeys(beside[run] for run in of["runs"] if run in beside)]
        return {**of, "runs": runs or of["runs"]}

    return {**claim, **{part: [other(of) for of in claim[part]] for part in ("cells", "less")}}


def beside_faults(paper: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[str]:
    """Yield a line for each fault in the runs that a paper sets beside others.

    Args:
        paper: content of a file of claims.
        claims: its claims, as `config.claims` completes them.
    """
    for run, other in paper.get("beside", {}).items():
        key = f"beside.{run}"
        faults = [
            fault
            for name in dict.fromkeys((run, other))
            for fault in unknown(key, name, paper["runs"], "one of the runs", "this file")
        ]
        yield from faults
        if not faults and run == other:
            yield f"{key}: expected another run beside it, found itself; name the other one"
        elif not faults and not any(judged_beside(claim, {run: other}) for claim in claims):
            yield f"{key}: expected a run that claims name, found none of them; remove it"
