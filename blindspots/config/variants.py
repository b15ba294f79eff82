"""Entries of a config under a reading of its paper: settled in place, or repeated beside others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from blindspots.config.choices import (
    Answers,
    answers_of,
    choices_in,
    contradictions,
    settings,
)
from blindspots.config.drafts import Config, Draft, UnfinishedError, copied
from blindspots.config.naming import is_pattern, matches
from blindspots.config.wording import key_of, shown
from blindspots.interface import InputError


class Under(NamedTuple):
    """Reading of an experiment.

    Attributes:
        answers: its answers.
        tag: its name, for the names of entries.
        key: its key in the config.
    """

    answers: Answers
    tag: str
    key: str


class Variants:
    """The reading of a run, and entries that are repeated under other readings.

    Attributes:
        choices: questions, answers and readings.
        answers: the run's.
        original: entries by section and name, as they are without a reading.
        repeated: names of the entries that were added, by section and name of the original.
    """

    def __init__(self, draft: Draft) -> None:
        """Take the keys `choices` and `reading` from a draft.

        Raises:
            UnfinishedError: invalid choices, or a reading that does not exist.
        """
        config = draft.config
        if "under" in config and config.get("choices"):
            draft.faults.append(
                "under: expected no choices beside it, as it stands in a full form, whose settings "
                "are under a reading already; lay choices and readings over the config as it was"
            )
            raise UnfinishedError
        try:
            self.choices, draft.lines = choices_in(config.pop("choices", None))
        except InputError as error:
            draft.faults += [f"choices: {line}" for line in str(error).splitlines()]
            raise UnfinishedError from None
        self.original: dict[str, Config] = {}
        self.answers: Answers = {}
        if "reading" in config:
            given = config.pop("reading")
            self.answers = self._answers(draft, "reading", given)
            config["under"] = {"answers": self.answers}
            if not isinstance(given, Mapping):
                config["under"]["name"] = str(given)
        self.repeated: dict[tuple[str, str], list[str]] = {}

    def settle(self, draft: Draft, section: str) -> None:
        """Apply the run's reading to all entries of a section."""
        self._check_patterns(draft, self.answers, section, "reading")
        entries = draft.config.get(section, {})
        self.original[section] = copied(entries)
        for name in entries:
            entry = self.original[section][name]
            entries[name] = self._laid(draft, section, name, entry, self.answers, "reading")

    def repeat_experiments(self, draft: Draft) -> dict[str, list[str]]:
        """Replace experiments under several readings by one for each.

        Returns:
            The names of these, by name of such an experiment.
        """
        experiments = draft.config["experiments"]
        several: dict[str, list[str]] = {}
        for name, entry in [*experiments.items()]:
            if not isinstance(entry.get("reading"), list):
                continue
            del experiments[name]
            several[name] = made = []
            for place, given in enumerate(entry["reading"]):
                own = f"{name}-{_tag(given)}"
                if own in experiments:
                    draft.faults.append(
                        f"experiments.{name}.reading.{place}: expected different readings, found "
                        f"{own} twice; remove or rename one"
                    )
                    raise UnfinishedError
                experiments[own] = copied(entry) | {"reading": given}
                draft.made[f"experiments.{own}"] = f"experiments.{name}"
                draft.made[f"experiments.{own}.reading"] = f"experiments.{name}.reading.{place}"
                made.append(own)
        return several

    def finish_experiments(self, draft: Draft) -> None:
        """Apply the run's reading to experiments that are written out, or an experiment's own."""
        experiments = draft.config["experiments"]
        self._check_patterns(draft, self.answers, "experiments", "reading")
        for name, entry in experiments.items():
            own, key = entry.pop("reading", None), f"experiments.{name}.reading"
            if own is None:
                laid = self._laid(draft, "experiments", name, entry, self.answers, "reading")
            else:
                answers = self._answers(draft, key, own)
                self._check_tables(draft, answers, key)
                for section in ("nets", "attacks", "experiments"):
                    self._check_patterns(draft, answers, section, key)
                laid = self._laid(draft, "experiments", name, entry, answers, key)
                self._rename(draft, laid, Under(answers, _tag(own), key))
                laid["under"] = _text(own)
            experiments[name] = laid

    def _rename(self, draft: Draft, experiment: Config, under: Under) -> None:
        """Replace the nets and attacks of an experiment by those under its reading, in place."""
        for section, roles in ROLES.items():
            for role in roles:
                given = experiment.get(role)
                if isinstance(given, list):
                    experiment[role] = [self._variant(draft, section, n, under) for n in given]
                elif given is not None:
                    experiment[role] = self._variant(draft, section, given, under)

    def _answers(self, draft: Draft, key: str, given: Any) -> Answers:
        answers, faults = answers_of(key, given, self.choices, self.answers)
        if faults:
            draft.faults += faults
            raise UnfinishedError
        return answers

    def _check_patterns(self, draft: Draft, answers: Answers, section: str, key: str) -> None:
        """Reject answers that set something of entries that the config lacks."""
        known: Collection[str] = draft.config.get(section, {})
        for question, answer in answers.items():
            for name in self.choices.questions[question][answer].get(section, {}):
                if not any(matches(entry, name) for entry in known):
                    where = key_of(["choices", "questions", question, answer, section, name])
                    what = "a pattern that matches" if is_pattern(name) else "the name of"
                    draft.faults.append(
                        f"{where}: expected {what} one of the {section} of this config "
                        f"({', '.join(known)}), found {shown(name)}; correct it, or leave "
                        f"{question} out of {key}"
                    )

    def _check_tables(self, draft: Draft, answers: Answers, key: str) -> None:
        """Reject a reading of an experiment that differs from the run's in tables alone."""
        asked = [q for q in {**self.answers, **answers} if self.answers.get(q) != answers.get(q)]
        differing = {
            section
            for question in asked
            for given in (self.answers, answers)
            if question in given
            for section in self.choices.questions[question][given[question]]
        }
        if differing == {"tables"}:
            draft.faults.append(
                f"{key}: expected answers that set something of nets, attacks or experiments, as "
                f"an experiment has no tables of its own, found settings of tables alone "
                f"({', '.join(asked)}); leave it out, or set them in the tables"
            )

    def _laid(
        self,
        draft: Draft,
        section: str,
        name: str,
        entry: Config,
        answers: Answers,
        key: str,
        own: str | None = None,
    ) -> Config:
        """Return an entry with the settings of answers.

        Args:
            draft: the draft.
            section: section of the entry.
            name: name of the entry, which patterns match.
            entry: entry without a reading.
            answers: the answers.
            key: key of the reading.
            own: name of the entry that is made; None: the same.
        """
        found, laid = [*settings(self.choices, answers, section, name)], copied(entry)
        draft.faults += contradictions(found, key)
        for setting in found:
            *around, last = setting.path
            place = laid
            for step in around:
                place = place.get(step)
            if place is None:
                draft.faults.append(
                    f"{setting.key}: expected a net with a trainer, found {name}, which has none; "
                    f"correct its name or pattern, or leave {setting.question} out of {key}"
                )
                continue
            place[last] = copied(setting.value)
            draft.made[key_of([section, own or name, *setting.path])] = setting.key
        return laid

    def _variant(self, draft: Draft, section: str, name: str, under: Under) -> str:
        """Return the name of an entry under a reading, which is added unless there is an equal."""
        name, at, step = name.partition("@")
        entries, own, original = (
            draft.config[section],
            f"{name}-{under.tag}",
            self.original[section],
        )
        made = self._laid(draft, section, name, original[name], under.answers, under.key, own)
        parents = made.get("parents", {})
        if parents:
            made["parents"] = {
                role: self._variant(draft, "nets", net, under) for role, net in parents.items()
            }
        for there in (name, *self.repeated.get((section, name), [])):
            if _without_names(entries[there]) == _without_names(made):
                return there + at + step
        if own in entries:
            draft.faults.append(
                f"{under.key}: expected readings that make different names, found {own} twice; "
                "rename one"
            )
            raise UnfinishedError
        if section == "nets":
            made["label"] = f"{made.get('label', name)} ({under.tag})"
        entries[own] = made | {"stands_for": name}
        draft.made[f"{section}.{own}"] = f"{section}.{name}"
        self.repeated.setdefault((section, name), []).append(own)
        return own + at + step


def _without_names(entry: Config) -> Config:
    return {key: value for key, value in entry.items() if key not in NAMES}


NAMES = ("label", "stands_for")
"""Keys that tell an entry from another, but change nothing about it."""

ROLES = {"nets": ("sources", "victims"), "attacks": ("attack", "attacks", "controls")}
"""Keys of an experiment that name entries, by their section."""


def _tag(given: Any) -> str:
    """Return a reading as part of a name: its own, or its answers: "biases-none"."""
    if isinstance(given, Mapping):
        return "-".join(f"{question}-{answer}" for question, answer in given.items())
    return str(given)


def _text(given: Any) -> str:
    """Return a reading in words: "biases: none"."""
    if isinstance(given, Mapping):
        return ", ".join(f"{question}: {answer}" for question, answer in given.items())
    return str(given)
