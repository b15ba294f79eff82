"""Questions that a paper leaves open, their answers, and readings, which answer several of them.

An answer is a set of settings of nets, attacks, experiments and tables. The file that a config
names under `choices` has them; its keys `reading` say which apply.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from blindspots.config.checkout import located
from blindspots.config.lines import with_place, written
from blindspots.config.loader import load, version
from blindspots.config.naming import matches
from blindspots.config.schema import schema, schema_faults
from blindspots.config.values import numbers, value_faults
from blindspots.config.wording import KeyPath, key_of, shown, unknown
from blindspots.interface import InputError

Config = dict[str, Any]

Answers = dict[str, str]
"""Answer to each of some questions."""


class Choices(NamedTuple):
    """Questions with their answers, and readings.

    Attributes:
        questions: settings by question, answer, section, and name or pattern of an entry.
        readings: answers by name of a reading.
    """

    questions: Mapping[str, Mapping[str, Config]] = {}
    readings: Mapping[str, Answers] = {}


class Setting(NamedTuple):
    """A setting of an entry, the key of the answer that gives it, and the question answered."""

    path: KeyPath
    value: Any
    key: str
    question: str


def choices_in(given: Any) -> tuple[Choices, dict[str, str]]:
    """Return choices, and the lines of their keys if they are in a file.

    Args:
        given: what a config has under `choices`: the file, or its content; None: nothing.

    Raises:
        InputError: invalid choices, with a line for each fault.
    """
    if isinstance(given, str):
        path = located(given)
        return _choices_in(path, version(path))
    raw = numbers({"choices": given or {"questions": {}}})["choices"]
    faults = [*_faults(raw)] if given else []
    if faults:
        raise InputError("\n".join(faults))
    return Choices(raw["questions"], raw.get("readings", {})), {}


@cache
def _choices_in(path: Path, _: tuple[int, int] | None) -> tuple[Choices, dict[str, str]]:
    """Return the choices in one version of a file, cached as a run's start asks for them often."""
    given, lines = load(path, "a YAML file of choices"), written([path]).lines
    raw = numbers(given)
    if faults := [*unquoted(given)] or [*_faults(raw)]:
        raise InputError("\n".join(with_place(fault, lines, path) for fault in faults))
    made = Choices(raw["questions"], raw.get("readings", {}))
    return made, {f"choices.{key}": line for key, line in lines.items()}


def unquoted(given: Any, path: KeyPath = ()) -> Iterator[str]:
    """Yield a line for each name in choices, as YAML reads them, that is true or false."""
    if not isinstance(given, Mapping):
        return
    for name, inside in given.items():
        if isinstance(name, bool):
            yield (
                f"{key_of(path)}: expected names that are text, found {shown(name)}, as YAML reads "
                f"{'yes' if name else 'no'} without quotes; put it in quotes"
            )
        else:
            yield from unquoted(inside, (*path, str(name)))


def _faults(raw: Any) -> Iterator[str]:
    faults = [*value_faults(raw)] or [*schema_faults(raw, schema("choices"))]
    yield from faults
    if faults:
        return
    for question, answers in raw["questions"].items():
        for answer, sections in answers.items():
            for section, entries in sections.items():
                for name, given in entries.items():
                    yield from _no_settings(["questions", question, answer, section, name], given)
    for name, answers in raw.get("readings", {}).items():
        yield from answer_faults(f"readings.{name}", answers, raw["questions"])


NAMES = ("stands_for", "parents", "experiment", "more_experiments", "measurement", "paper")
"""Keys of attacks and tables that name other entries, or say what a table shows."""


def _no_settings(path: list[str], given: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each key of an answer that is not a setting of a method."""
    for part, settings in (((), given), *(((n,), v) for n, v in given.items())):
        if isinstance(settings, Mapping) and "method" in settings:
            yield (
                f"{key_of([*path, *part, 'method'])}: expected settings alone, found a method; "
                "remove it, and add an entry of that method to the config"
            )
    for name in NAMES:
        if name in given:
            yield (
                f"{key_of([*path, name])}: expected settings alone, found {name}; remove it, and "
                "add an entry with it to the config"
            )


def answer_faults(
    key: str, answers: Answers, questions: Mapping[str, Mapping[str, Config]]
) -> Iterator[str]:
    """Yield a line for each answer to an unknown question, and for each unknown answer."""
    for question, answer in answers.items():
        found = [*unknown(key, question, questions, "a question", "the choices")]
        yield from found or unknown(
            f"{key}.{question}",
            answer,
            questions[question],
            f"an answer to {question}",
            "the choices",
        )


def answers_of(key: str, given: Any, choices: Choices, usual: Answers) -> tuple[Answers, list[str]]:
    """Return the answers that a key `reading` gives, and a line for each fault.

    Args:
        key: the key.
        given: name of a reading, or answers by question.
        choices: the questions and readings.
        usual: answers to the questions that a mapping does not mention.
    """
    if not choices.questions:
        fault = (
            f"{key}: expected choices to read by, found none; add choices: papers/NAME/choices.yaml"
        )
        return {}, [fault]
    if isinstance(given, Mapping):
        answers = {str(question): str(answer) for question, answer in given.items()}
        return usual | answers, [*answer_faults(key, answers, choices.questions)]
    faults = [*unknown(key, str(given), choices.readings, "a reading", "the choices")]
    return dict(choices.readings.get(str(given), {})), faults


def settings(choices: Choices, answers: Answers, section: str, name: str) -> Iterator[Setting]:
    """Iterate over the settings that answers give to an entry of a section."""
    for question, answer in answers.items():
        entries = choices.questions[question][answer].get(section, {})
        for pattern, given in entries.items():
            if matches(name, pattern):
                key = key_of(["choices", "questions", question, answer, section, pattern])
                for path, value in _leaves(given):
                    yield Setting(path, value, key_of([key, *path]), question)


def _leaves(given: Mapping[str, Any], path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    for name, value in given.items():
        if isinstance(value, Mapping) and not path and name in ("model", "trainer"):
            yield from _leaves(value, (name,))
        else:
            yield (*path, name), value


def contradictions(found: list[Setting], key: str) -> Iterator[str]:
    """Yield a line for each setting that two answers, or two patterns of one, set differently.

    Args:
        found: the `settings` of one entry.
        key: key of the reading that gives both answers.
    """
    seen: dict[KeyPath, Setting] = {}
    for setting in found:
        other = seen.setdefault(setting.path, setting)
        if other.value != setting.value:
            what = "answers" if other.question != setting.question else "patterns"
            yield (
                f"{key}: expected {what} that agree, found {other.key} ({shown(other.value)}) and "
                f"{setting.key} ({shown(setting.value)}); change one of the two {what}"
            )
        seen[setting.path] = setting
