"""What is wrong with the names by which tables and figures refer to the rest of a config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from blindspots.config.wording import key_of, shown, unknown

Config = dict[str, Any]

SUBJECTS = {
    "experiment": ("experiments", "an experiment"),
    "measurement": ("measurements", "a measurement"),
}
"""What a table or a figure can be of: its key, the config's section that has them, and a name."""


def summary_faults(key: str, summary: Config, config: Config) -> Iterator[str]:
    """A line for each name in a table or a figure that names nothing, or what it should not.

    Args:
        key: of the table or figure.
        summary: its section.
        config: as a whole.
    """
    yield from _subject_faults(key, summary, config)
    experiments, wanted = config["experiments"], summary["experiment"]
    for more in summary["more_experiments"]:
        yield from unknown(f"{key}.more_experiments", more, experiments, "an experiment")
    named = [name for name in (wanted, *summary["more_experiments"]) if name is not None]
    its_own = {name: experiments[name] for name in named if name in experiments}
    yield from _against_faults(f"{key}.against", summary.get("against", []), its_own)
    if summary["method"] == "verdicts":
        yield from _claim_faults(f"{key}.claims", summary.get("claims", []), its_own)
    if summary["method"] == "multiverse":
        for reading, tables in summary.get("readings", {}).items():
            for table, of in tables.items():
                where = key_of([key, "readings", reading, table])
                yield from unknown(where, of, its_own, "an experiment of the table")
    if wanted in experiments and "panels" in summary:
        yield from _panel_faults(f"{key}.panels", summary["panels"], experiments[wanted])


def _subject_faults(key: str, summary: Config, config: Config) -> Iterator[str]:
    """What a table or a figure is of: an entry of one section, and of no other."""
    named = [subject for subject in SUBJECTS if summary[subject] is not None]
    if len(named) != 1:
        found = " and ".join(named) or "none"
        yield f"{key}: expected one of the keys {', '.join(SUBJECTS)}, found {found}"
    if summary["experiment"] is None and summary["more_experiments"]:
        yield f"{key}.more_experiments: expected none beside {' and '.join(named)}, found some"
    for subject in named:
        section, what = SUBJECTS[subject]
        yield from unknown(f"{key}.{subject}", summary[subject], config[section], what)


def _against_faults(key: str, named: list[str], experiments: Config) -> Iterator[str]:
    known = dict.fromkeys(
        net for each in experiments.values() for net in each["sources"] + each["victims"]
    )
    for net in named:
        yield from unknown(key, net, known, "a net", "experiment")


OF = {
    "error by a control": ("controls", "a control"),
    "advantage of a victim": ("victims", "a victim"),
    "error beyond clean": ("amplify", "none, or a distortion that images are amplified to"),
}
"""By measure, what a claim's `of` names: a key of its experiment, and what that holds."""


def _claim_faults(key: str, claims: list[Config], experiments: Config) -> Iterator[str]:
    said: set[str] = set()
    for number, claim in enumerate(claims):
        where, of, name = f"{key}.{number}", claim.get("of"), claim["experiment"]
        if claim["claim"] in said:  # rows of a table are told apart by it
            yield f"{where}.claim: expected one that is not there yet, found it twice; reword it"
        said.add(claim["claim"])
        if ("at_least" in claim) == ("at_most" in claim):
            yield f"{where}: expected either at_least or at_most, found both or none; keep one"
        yield from unknown(f"{where}.experiment", name, experiments, "an experiment of the table")
        if name not in experiments:
            continue
        among, what = OF.get(claim["measure"], (None, "none beside this measure"))
        known = experiments[name][among] if among else []
        may_be_none = among in (None, "amplify")
        if of not in known and not (of is None and may_be_none):
            there = f" ({', '.join(map(str, known)) or 'none'})" if among else ""
            yield f"{where}.of: expected {what}{there}, found {shown(of)}"


def _panel_faults(key: str, panels: list[Config], experiment: Config) -> Iterator[str]:
    for panel in panels:
        for role in ("source", "victim", "control"):
            if role in panel:
                known = dict.fromkeys(experiment[f"{role}s"])
                yield from unknown(f"{key}.{role}", panel[role], known, f"a {role}", "experiment")
