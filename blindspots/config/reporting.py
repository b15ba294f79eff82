"""Report sets: what is shown of an experiment without a table or a figure being named.

Analyses and figures declare which set they are in, by a constant `REPORT` in their modules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from blindspots.config import methods
from blindspots.config.wording import shown

Config = dict[str, Any]

ROLES = {"tables": "analyses", "figures": "figures"}
"""The role of the methods of a section."""

NONE = "none"
"""The set without members."""


class Member(NamedTuple):
    """A table or a figure of a set.

    Attributes:
        section: "tables" or "figures".
        method: name of its method.
        name: its name; if several experiments have it, each adds its own.
        title: its title.
        of: its title if several experiments have it, with braces for the experiment.
    """

    section: str
    method: str
    name: str
    title: str
    of: str


@cache
def sets() -> dict[str, list[Member]]:
    """The sets by name, each with its tables, then its figures, in their order."""
    found: dict[str, list[tuple[int, Member]]] = {}
    for section, role in ROLES.items():
        for method, said in methods.declaring(role, "REPORT").items():
            name = said.get("name", method)
            member = Member(section, method, name, said["title"], said["of"])
            found.setdefault(said["set"], []).append((said["place"], member))
    in_order = {
        name: sorted(members, key=lambda placed: (placed[1].section != "tables", placed[0]))
        for name, members in sorted(found.items())
    }
    return {name: [member for _, member in placed] for name, placed in in_order.items()} | {
        NONE: []
    }


def add(
    config: Config, titles: Mapping[str, str], asked: dict[str, str], faults: list[str]
) -> None:
    """Add the tables and figures of the sets that a config, or an experiment of it, asks for.

    One of the config's own of the same method and experiment takes the place of a member.

    Args:
        config: expanded otherwise; `report` is taken out of it.
        titles: titles of experiments, by name.
        asked: by key that is added here, the key that asks for it.
        faults: a line is added for each name of no set.
    """
    own = not {"tables", "figures"}.isdisjoint(config)
    of_all = config.pop("report", NONE if own else "standard")
    wanted: dict[Member, dict[str, str]] = {}  # with the experiments, each with the key that asks
    _checked("report", of_all, faults)
    for name, experiment in config["experiments"].items():
        key, asked_for = f"experiments.{name}", of_all
        if "report" in experiment:
            key, asked_for = f"{key}.report", experiment.pop("report")
            _checked(key, asked_for, faults)
        for member in _members(asked_for):
            if _fits(member, experiment, config) and not _is_there(member, name, config):
                wanted.setdefault(member, {})[name] = key
    for section in ("tables", "figures"):
        config.setdefault(section, {})
    for member, experiments in wanted.items():
        section = config[member.section]
        alone = len(experiments) == 1 and member.name not in section
        for experiment, key in experiments.items():
            name = member.name if alone else f"{member.name}-{experiment}"
            if name in section:
                faults.append(
                    f"{member.section}.{name}: expected a name that no report set makes, "
                    f"found that of its {member.method} of {experiment}; rename it"
                )
                continue
            called = titles.get(experiment, experiment)
            section[name] = {
                "method": member.method,
                "experiment": experiment,
                **_settings(member, config["experiments"][experiment], config),
                "title": member.title if alone else member.of.replace("{}", called),
            }
            asked[f"{member.section}.{name}"] = key


def is_without(raw: Mapping[str, Any], config: Config) -> bool:
    """Return whether a config has none of the standard set, without having said so.

    Args:
        raw: the config as it is written.
        config: the same, checked.
    """
    experiments = (raw.get("experiments") or {}).values()
    said = "report" in raw or any("report" in one for one in experiments if one)
    standard = {member.method for member in sets()["standard"]}
    shown = {one["method"] for section in ROLES for one in config[section].values()}
    return bool(shown) and not said and standard.isdisjoint(shown)


def _checked(key: str, given: Any, faults: list[str]) -> None:
    for name in _listed(given):
        if name not in sets():
            hint = methods.did_you_mean(name, sets())
            faults.append(f"{key}: expected sets of {', '.join(sets())}, found {shown(name)}{hint}")


def _members(given: Any) -> Iterator[Member]:
    for name in _listed(given):
        yield from sets().get(name, ())


def _listed(given: Any) -> list[str]:
    names = [given] if isinstance(given, str) else given
    return [] if names == [NONE] else names


def _is_there(member: Member, experiment: str, config: Config) -> bool:
    """Return whether the config has a table or a figure of its own in a member's place."""
    return any(
        (entry.get("method"), entry.get("experiment")) == (member.method, experiment)
        for entry in config.get(member.section, {}).values()
    )


def _fits(member: Member, experiment: Config, config: Config) -> bool:
    """Return whether there is something to show: a history of trainings, if a net is trained."""
    if "history" not in methods.inputs(ROLES[member.section], member.method):
        return True
    return any("trainer" in net for net in _nets_in(experiment, config))


def _settings(member: Member, experiment: Config, config: Config) -> Config:
    """Settings of an experiment that a member's method needs."""
    offered = {"parts": _parts, "panels": _panels}
    known = methods.settings(ROLES[member.section], member.method)
    asked = known[1] if known is not None else frozenset()
    return {name: of(experiment, config) for name, of in offered.items() if name in asked}


def _parts(experiment: Config, config: Config) -> list[str]:
    """The parts that the nets of an experiment are trained on, and the test images."""
    parts = [net.get("train_on") for net in _nets_in(experiment, config)]
    return [*filter(None, dict.fromkeys([*parts, "test"]))]


def _panels(experiment: Config, config: Config) -> list[Config]:
    """The first and the last source on themselves, where they are victims, and the last control."""
    sources, victims = experiment["sources"], experiment["victims"]
    ends = dict.fromkeys([sources[0], sources[-1]])
    panels = [{"source": s, "victim": s if s in victims else victims[-1]} for s in ends]
    controls = experiment.get("controls", [])[-1:]
    return panels + [{"control": control, "victim": victims[-1]} for control in controls]


def _nets_in(experiment: Config, config: Config) -> list[Config]:
    """The nets of an experiment, those of checkpoints (NET@STEP) too."""
    names = [name.partition("@")[0] for name in experiment["sources"] + experiment["victims"]]
    return [config["nets"][name] for name in dict.fromkeys(names)]
