"""Faults in the names by which tables and figures refer to the rest of a config."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from blindspots.config import methods
from blindspots.config.annotations import mentions
from blindspots.config.naming import is_pattern, matches
from blindspots.config.parts import parts_of
from blindspots.config.printed import printed, printed_faults
from blindspots.config.wording import key_of, shown, unknown

Config = dict[str, Any]

SUBJECTS = {
    "experiment": ("experiments", "an experiment"),
    "measurement": ("measurements", "a measurement"),
}
"""Subjects of tables and figures, by key: the config's section that has them, and a noun."""


def summary_faults(key: str, summary: Config, config: Config) -> Iterator[str]:
    """Yield a line for each name in a table or a figure that is unknown, or not allowed there.

    Args:
        key: key of the table or figure.
        summary: section of the table or figure.
        config: the whole config.
    """
    yield from _subject_faults(key, summary, config)
    if summary["paper"] is not None:
        yield from printed_faults(config, f"{key}.paper", summary["paper"])
    experiments = config["experiments"]
    for more in summary["more_experiments"]:
        yield from unknown(f"{key}.more_experiments", more, experiments, "an experiment")
        if more in experiments and len(experiments[more]["attacks"]) > 1:
            yield (
                f"{key}.more_experiments: expected experiments with one attack each, found {more}; "
                "make one for each of its attacks"
            )


def _subject_faults(key: str, summary: Config, config: Config) -> Iterator[str]:
    """Yield faults in the subject of a table or figure, which is one entry of one section."""
    named = [subject for subject in SUBJECTS if summary[subject] is not None]
    if len(named) != 1:
        found = " and ".join(named) or "none"
        yield f"{key}: expected one of the keys {', '.join(SUBJECTS)}, found {found}"
    if summary["experiment"] is None and summary["more_experiments"]:
        yield f"{key}.more_experiments: expected none with {' and '.join(named)}, found some"
    for subject in named:
        section, what = SUBJECTS[subject]
        yield from unknown(f"{key}.{subject}", summary[subject], config[section], what)


MOST = 10
"""Maximum number of printed rows that a message lists."""

WORDS = {
    "experiments": "an experiment of the table",
    "nets": "a net",
    "sources": "a source",
    "victims": "a victim",
    "controls": "a control",
    "amplify": "none, or a distortion that images are amplified to",
}
"""Words for names in an experiment that a setting may use (`limits.one_of_its`)."""


def mention_faults(key: str, role: str, summary: Config, config: Config) -> Iterator[str]:
    """Yield a line for each unknown name in the settings of a table or a figure.

    Args:
        key: key of the table or figure.
        role: "analyses" or "figures".
        summary: section of the table or figure, with settings that fit their annotations.
        config: the whole config, without unknown names.
    """
    if (
        role == "figures"
        and summary["paper"]
        and not methods.takes(role, summary["method"], "paper")
    ):
        yield f"{key}.paper: expected none for {summary['method']}, which shows none; remove it"
    named = [name for name in (summary["experiment"], *summary["more_experiments"]) if name]
    own = {name: config["experiments"][name] for name in named}
    for setting, parameter in methods.parameters_of(role, summary["method"]).items():
        if setting in summary and parameter.annotation is not None:
            found = mentions(summary[setting], parameter.annotation, "one_of_its")
            for path, value, arguments, beside in found:
                where = key_of([key, setting, *path])
                if arguments == ["printed"] and value is not None:
                    yield from printed_faults(config, where, value)
                elif arguments == ["printed rows"]:
                    yield from _row_faults(where, value, printed(config))
                elif arguments == ["parts"]:
                    yield from unknown(where, value, parts_of(config), "a part", "the split")
                else:
                    yield from _mention_faults(where, value, arguments, beside, own)


def _row_faults(where: str, name: str, tables: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for a name, ROW or TABLE/ROW, or a pattern that matches no printed row."""
    rows = [(row, f"{table}/{row}") for table, of in tables.items() for row in of]
    if not any(matches(form, name) for forms in rows for form in forms):
        known = ", ".join([form for _, form in rows][:MOST]) + ", …" * (len(rows) > MOST)
        yield (
            f"{where}: expected a printed row or a pattern that matches one ({known or 'none'}), "
            f"found {shown(name)}; correct or remove it"
        )


def _mention_faults(
    where: str, value: Any, arguments: list[Any], beside: Mapping[str, Any], own: Config
) -> Iterator[str]:
    what, *by = arguments
    kind = what.get(beside.get(by[0])) if by else what
    if value is None and (not by or kind in (None, "amplify")):
        return
    if kind == "patterns":
        known = [net for e in own.values() for net in (*e["sources"], *e["victims"])]
        yield from _pattern_faults(where, value, "a net of this experiment", known)
        return
    if kind == "experiments" and is_pattern(value):
        yield from _pattern_faults(where, value, WORDS[kind], own)
        return
    if kind == "experiments":
        yield from unknown(where, value, own, WORDS[kind])
        return
    among = [own[beside["experiment"]]] if beside.get("experiment") in own else own.values()
    keys = ("sources", "victims") if kind == "nets" else (kind,)
    known = list(dict.fromkeys(name for e in among for k in keys if k for name in e[k]))
    if not by:
        yield from unknown(where, value, known, WORDS[kind], "this experiment")
    elif value not in known:
        there = f" ({', '.join(map(str, known)) or 'none'})" if kind else ""
        expected = WORDS[kind] if kind else f"none with this {by[0]}"
        yield f"{where}: expected {expected}{there}, found {shown(value)}"


def _pattern_faults(where: str, value: str, what: str, known: Iterable[str]) -> Iterator[str]:
    known = list(dict.fromkeys(known))
    if not any(matches(name, value) for name in known):
        yield (
            f"{where}: expected {what}, or a pattern that matches one ({', '.join(known)}), found "
            f"{shown(value)}; correct or remove it"
        )
