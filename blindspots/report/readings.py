"""Choices of a run: the settings in effect, and its readings of the paper's open points."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

from blindspots.config import methods, traits
from blindspots.config.check import instances, method_settings
from blindspots.config.settings import PROVIDED
from blindspots.interface import InputError

AMPLIFIED = {
    "image": "every perturbation gets the distortion",
    "all": "the perturbations of a net are scaled by one factor, so that the root of their mean "
    "square distortion, over the images that the net gets right unaltered and on which the attack "
    "succeeded, is the distortion",
}
"""Readings of "amplified to", by an experiment's `amplify_by`."""


def settings_in_effect(config: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """List the methods behind a run's results: key, name, and all settings as text."""
    aimed = _targets(config)
    found = []
    for key, role, instance in instances(dict(config)):
        if role in ("analyses", "figures"):  # these only show results
            continue
        settings = methods.defaults(role, instance["method"])
        known = methods.settings(role, instance["method"])
        own = settings.keys() if known is None else known[0]
        settings = {k: v for k, v in settings.items() if k in own - PROVIDED[role]}
        if role == "attacks" and key.partition(".")[2] in aimed:
            settings["target"] = instance["target"]
        settings |= method_settings(instance, role)
        idle = traits.without_effect(role, instance["method"], settings)
        settings = {name: value for name, value in settings.items() if name not in idle}
        text = ", ".join(f"{name} = {written(value)}" for name, value in settings.items())
        found.append((key, instance["method"], text or "none"))
    return found


def written(value: Any) -> str:
    """Return a setting's value as a config writes it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(list(value) if isinstance(value, tuple) else value)


def _together(answers: Mapping[str, str]) -> str:
    """Join the answers for several names: one text if all agree, else "A, B: next; C: random".

    The most frequent answer, if more than three names have it, comes last, for "the others".
    """
    names: dict[str, list[str]] = {}
    for name, answer in answers.items():
        names.setdefault(answer, []).append(name)
    if len(names) == 1:
        return next(iter(names))
    said = {answer: ", ".join(of) for answer, of in names.items()}
    most = max(names, key=lambda answer: len(names[answer]))
    if len(names[most]) > 3:
        del said[most]
        said[most] = "the others"
    return "; ".join(f"{of}: {answer}" for answer, of in said.items())


def _targets(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the target rules of the attacks of experiments, by name."""
    used = {name for experiment in config["experiments"].values() for name in experiment["attacks"]}
    attacks = config["attacks"].items()
    return {name: str(attack["target"]) for name, attack in attacks if name in used}


def readings_taken(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the readings of a run where the paper leaves a choice open, as text by question.

    A method declares texts, with settings in braces, in a constant `READINGS` of its module. Each
    question has a setting and either a text, which is shown unless the setting is null, 0 or an
    empty list; or a mapping from values of the setting to texts. Another such pair may take the
    place of a text.
    """
    found: dict[str, dict[str, str]] = defaultdict(dict)
    if aims := _targets(config):
        found["target"] = aims
    for name, e in config["experiments"].items():
        found["images"][name] = f"{e['n']} of part {e['part']}"
        if e["amplify"]:
            kept = "clipped" if e["clip"] else "not clipped"
            found["clipping"][name] = f"amplified images {kept}"
            found["amplification"][name] = AMPLIFIED[e["amplify_by"]]
    for key, role, instance in instances(dict(config)):
        section, _, name = key.partition(".")
        if section in ("nets", "attacks"):
            for question, answer in _declared(role, instance):
                found[question][name.removesuffix(".model").removesuffix(".trainer")] = answer
    return {question: _together(answers) for question, answers in found.items()}


def _declared(role: str, instance: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Iterate over the questions and answers of a method; a trainer's decay is one of them."""
    method = instance["method"]
    settings = methods.defaults(role, method) | dict(instance)
    declared = traits.constant(role, method, "READINGS") or {}
    try:
        for question, said in declared.items():
            if (text := _text(said, settings)) is not None:
                yield str(question), text
        if role == "trainers" and "decay" in settings and "decay" not in declared:
            decay = settings["decay"]
            yield "decay", "none" if decay in (None, 0, []) else f"{decay} ({method})"
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise InputError(
            f"{method}: expected READINGS of its settings ({', '.join(settings)}), found "
            f"{str(declared)[:200]} ({error!r}); correct it"
        ) from None


def _text(said: Any, settings: Mapping[str, Any]) -> str | None:
    """Return the text that a reading has with some settings, or None."""
    while isinstance(said, tuple | list):
        name, said = said
        if isinstance(said, Mapping):
            said = said.get(settings[name])
        elif settings[name] in (None, 0, []):
            said = None
    return None if said is None else _Sentence().format(said, **settings)


class _Sentence(Formatter):
    """A sentence with settings in braces.

    The format "%" writes a share in percent, the format "times" a factor: nothing for 1.
    """

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "%":
            return f"{100 * value:g}%"
        if format_spec == "times":
            return {1: "", 0.5: "½ "}.get(value, f"{value:g} × ")
        return super().format_field(value, format_spec)
