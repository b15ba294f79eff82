"""Choices of a run: the settings in effect, and its readings of what the paper leaves open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

from blindspots.config import methods
from blindspots.config.check import instances, method_settings
from blindspots.config.settings import PROVIDED
from blindspots.interface import InputError


def settings_in_effect(config: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """List the methods behind a run's results: key, name, and all settings as text."""
    aimed = _targets(config)
    found = []
    for key, role, instance in instances(dict(config)):
        if role in ("analyses", "figures"):  # how results are shown
            continue
        settings = methods.defaults(role, instance["method"])
        settings = {k: v for k, v in settings.items() if k not in PROVIDED[role]}
        if role == "attacks" and key.partition(".")[2] in aimed:
            settings["target"] = instance["target"]
        settings |= method_settings(instance, role)
        text = ", ".join(f"{name} = {value}" for name, value in settings.items())
        found.append((key, instance["method"], text or "none"))
    return found


def _together(answers: Mapping[str, str]) -> str:
    """Join a value that most names share and those that differ: "random; next: A, B"."""
    names: dict[str, list[str]] = {}
    for name, answer in answers.items():
        names.setdefault(answer, []).append(name)
    first, *others = sorted(names, key=lambda answer: -len(names[answer]))
    return "; ".join([first, *(f"{answer}: {', '.join(names[answer])}" for answer in others)])


def _targets(config: Mapping[str, Any]) -> dict[str, str]:
    """Target rules of the attacks of experiments; noise and other controls have none."""
    used = {name for experiment in config["experiments"].values() for name in experiment["attacks"]}
    return {
        name: str(attack["target"])
        for name, attack in config["attacks"].items()
        if name in used and methods.needs_model(attack["method"])
    }


def readings_taken(config: Mapping[str, Any]) -> dict[str, str]:
    """Readings of a run where the paper leaves a choice open, as text by question.

    A method gives texts for its settings in a constant `READINGS` of its module: by question a
    setting and a text, with settings in braces, which is shown unless the setting is null, 0 or an
    empty list; or texts by the value of the setting.
    """
    experiments, aims = config["experiments"], _targets(config)
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for name, e in experiments.items():
        found["images"][name] = f"{e['n']} of part {e['part']}"
        if taken := dict.fromkeys(aims[attack] for attack in e["attacks"] if attack in aims):
            found["target"][name] = ", ".join(taken)
        if e["amplify"]:
            kept = "clipped" if e["clip"] else "not clipped"
            found["clipping"][name] = f"amplified images {kept}"
    for key, role, instance in instances(dict(config)):
        if role in ("trainers", "attacks"):
            for question, answer in _declared(role, instance):
                name = key.partition(".")[2].removesuffix(".trainer")
                found[question][name] = answer
    return {question: _together(answers) for question, answers in found.items()}


def _declared(role: str, instance: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Questions and answers that a method declares about its settings."""
    method = instance["method"]
    settings = methods.defaults(role, method) | dict(instance)
    declared = methods.declared(role, method, "READINGS") or {}
    try:
        for question, (name, said) in declared.items():
            value = settings[name]
            if isinstance(said, Mapping):
                text = said.get(value)
            else:
                text = None if value in (None, 0, []) else _Sentence().format(said, **settings)
            if text is not None:
                yield question, text
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise InputError(
            f"{method}: expected READINGS of its settings ({', '.join(settings)}), found "
            f"{str(declared)[:200]} ({error!r}); correct it"
        ) from None


class _Sentence(Formatter):
    """A sentence with settings in braces, where "%" is for a share in percent."""

    def format_field(self, value: Any, format_spec: str) -> str:
        return (
            f"{100 * value:g}%" if format_spec == "%" else super().format_field(value, format_spec)
        )
