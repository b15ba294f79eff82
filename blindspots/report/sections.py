"""The report's sections: a run's tables and figures by subject, each subject with a description."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from blindspots.config.check import method_settings
from blindspots.config.methods import defaults
from blindspots.families import radii
from blindspots.report.readings import written

Config = Mapping[str, Any]


class Section(NamedTuple):
    """Tables and figures of a run on one subject.

    Attributes:
        key: anchor of the heading, for links.
        title: text of the heading.
        facts: description of the subject in a sentence or two; "" for several subjects.
        tables: names of the tables in the config.
        figures: names of the figures in the config.
    """

    key: str
    title: str
    facts: str
    tables: list[str]
    figures: list[str]


def sections(config: Config) -> list[Section]:
    """List every table and figure of a run once: by subject, then those of several experiments."""
    found = []
    for key, kind, describe in (
        ("experiment", "Experiment", experiment),
        ("measurement", "Measurement", _measurement),
    ):
        for name in config[f"{key}s"]:

            def is_of(entry: Config, key: str = key, name: str = name) -> bool:
                return entry[key] == name and not _compares(entry)

            title = f"{kind} {name}"
            found.append(_section(config, f"{key}-{name}", title, describe(config, name), is_of))
    found.append(_section(config, "experiments", "Across experiments", "", _compares))
    return [section for section in found if section.tables or section.figures]


def _compares(entry: Config) -> bool:
    return bool(entry["more_experiments"])


def _section(
    config: Config, key: str, title: str, facts: str, is_of: Callable[[Config], bool]
) -> Section:
    tables = [name for name, entry in config["tables"].items() if is_of(entry)]
    figures = [name for name, entry in config["figures"].items() if is_of(entry)]
    return Section(key, title, facts, tables, figures)


def _part(config: Config, of: Config) -> str:
    """Return a part's name, with its dataset if the config has several."""
    return of["part"] + (f" of {of['data']}" if len(config["datasets"]) > 1 else "")


def labels(config: Config, nets: list[str]) -> str:
    """Return the labels of nets, joined by commas."""
    return ", ".join(config["nets"][net]["label"] for net in nets)


def experiment(config: Config, name: str) -> str:
    """Describe an experiment in a sentence or two."""
    of = config["experiments"][name]
    text = (
        f"{'; '.join(_attack(config, name) for name in of['attacks'])} on the first {of['n']} "
        f"images of part {_part(config, of)}, made for {labels(config, of['sources'])}; "
        f"shown to {labels(config, of['victims'])}."
    )
    if of["controls"]:
        text += f" Controls: {', '.join(of['controls'])}, on {of['controls_n']} images."
    if of["amplify"]:
        scales = ", ".join(f"{scale:g}" for scale in of["amplify"])
        by = ", all of a net by one factor" if of["amplify_by"] == "all" else ""
        text += f" Also amplified to a distortion of {scales}{by}."
    return text


def _measurement(config: Config, name: str) -> str:
    """Describe a measurement: its subject, and its settings with defaults."""
    of = config["measurements"][name]
    text = of["method"]
    if "model" in of:
        weights = of["weights"] or f"fresh, of seed {config['seeds'][0]}"
        model = defaults("models", of["model"]["method"]) | dict(of["model"])
        shape = " × ".join(map(str, of["shape"]))
        text += f" of {model.pop('method')} ({_said(model)}) at {shape}; weights: {weights}"
    elif "nets" in of:
        text += f" of {labels(config, of['nets'])}"
    elif of.get("experiments"):
        several = "s" if len(of["experiments"]) > 1 else ""
        text += f" in the experiment{several} {', '.join(of['experiments'])}"
    if of.get("n"):
        text += f", on the first {of['n']} images of part {of['part']}"
    if of.get("data"):
        text += f", dataset {of['data']}"
    said = _said(defaults("measurements", of["method"]) | method_settings(of, "measurements"))
    return text + (f"; {said}." if said else ".")


def _attack(config: Config, name: str) -> str:
    """Describe an attack: its name, method, radii and targets."""
    attack = config["attacks"][name]
    eps = ", ".join(f"{radius:g}" for radius in radii(attack) if radius is not None)
    said = [attack["method"], *([f"eps {eps}"] if eps else []), f"target {attack['target']}"]
    return f"{name} ({', '.join(said)})"


def _said(settings: Mapping[str, Any]) -> str:
    shown = {key: written(value) for key, value in settings.items() if value is not None}
    return ", ".join(f"{key} = {value}" for key, value in shown.items())
