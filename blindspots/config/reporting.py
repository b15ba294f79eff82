"""Report sets: tables and figures of an experiment that a config need not name one by one.

Analyses and figures declare their set in a constant `REPORT` of their modules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from blindspots.config import methods, traits
from blindspots.config.instances import ROLES, SUMMARIES
from blindspots.config.wording import shown

Config = dict[str, Any]

NONE = "none"
"""Name of the set without members."""


class Member(NamedTuple):
    """A table or a figure of a set.

    Attributes:
        section: "tables" or "figures".
        method: name of its method.
        name: name of the entry; if several experiments have it, each adds its own name.
        title: title of the entry.
        of: title if several experiments have it, with {} for the experiment.
    """

    section: str
    method: str
    name: str
    title: str
    of: str


@cache
def sets() -> dict[str, list[Member]]:
    """Return the sets by name, each with its tables, then its figures, in order."""
    found: dict[str, list[tuple[int, Member]]] = {}
    for section in SUMMARIES:
        for method, said in traits.constants(ROLES[section], "REPORT").items():
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

    An entry of the config with the same method and experiment replaces a member.

    Args:
        config: config that is otherwise expanded; `report` is removed from it.
        titles: titles of experiments, by name.
        asked: key that asks for each table or figure that is added; filled in here.
        faults: faults so far; a line is added for each unknown set and each name in use.
    """
    own = not {"tables", "figures"}.isdisjoint(config)
    of_all = config.pop("report", NONE if own else "standard")
    wanted: dict[Member, dict[str, str]] = {}  # experiments of a member, with the keys that ask
    _checked("report", of_all, faults)
    for name, experiment in config["experiments"].items():
        key, asked_for = f"experiments.{name}", of_all
        if "report" in experiment:
            key, asked_for = f"{key}.report", experiment.pop("report")
            _checked(key, asked_for, faults)
        for member in _members(asked_for):
            if _fits(member, experiment, config) and not _is_there(member, name, config):
                wanted.setdefault(member, {})[name] = key
    for section in SUMMARIES:
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
    """Return whether a config has tables or figures, but no key `report` and no standard ones.

    Args:
        raw: the config as written.
        config: the same config, checked.
    """
    experiments = (raw.get("experiments") or {}).values()
    said = "report" in raw or any("report" in one for one in experiments if one)
    standard = {member.method for member in sets()["standard"]}
    shown = {one["method"] for section in SUMMARIES for one in config[section].values()}
    return bool(shown) and not said and standard.isdisjoint(shown)


def _checked(key: str, given: Any, faults: list[str]) -> None:
    for name in _listed(given):
        if name not in sets():
            hint = methods.did_you_mean(name, sets())
            faults.append(
                f"{key}: expected report sets ({', '.join(sets())}), found {shown(name)}{hint}"
            )


def _members(given: Any) -> Iterator[Member]:
    for name in _listed(given):
        yield from sets().get(name, ())


def _listed(given: Any) -> list[str]:
    names = [given] if isinstance(given, str) else given
    return [] if names == [NONE] else names


def _is_there(member: Member, experiment: str, config: Config) -> bool:
    """Return whether the config has a table or a figure of its own that replaces a member."""
    return any(
        (entry.get("method"), entry.get("experiment")) == (member.method, experiment)
        for entry in config.get(member.section, {}).values()
    )


def _fits(member: Member, experiment: Config, config: Config) -> bool:
    """Return whether a member has data to show: a training history needs a trained net."""
    if "history" not in methods.inputs(ROLES[member.section], member.method):
        return True
    return any("trainer" in net for net in _nets_in(experiment, config))


def _settings(member: Member, experiment: Config, config: Config) -> Config:
    """Return the settings that a member's method needs from an experiment."""
    offered = {"parts": _parts, "panels": _panels}
    known = methods.settings(ROLES[member.section], member.method)
    asked = known[1] if known is not None else frozenset()
    return {name: of(experiment, config) for name, of in offered.items() if name in asked}


def _parts(experiment: Config, config: Config) -> list[str]:
    """Return the parts that an experiment's nets are trained on, and the test part."""
    parts = [net.get("train_on") for net in _nets_in(experiment, config)]
    return [*filter(None, dict.fromkeys([*parts, "test"]))]


def _panels(experiment: Config, config: Config) -> list[Config]:
    """Return panels: first and last source, each on itself if a victim, and the last control."""
    sources, victims = experiment["sources"], experiment["victims"]
    ends = dict.fromkeys([sources[0], sources[-1]])
    panels = [{"source": s, "victim": s if s in victims else victims[-1]} for s in ends]
    controls = experiment.get("controls", [])[-1:]
    return panels + [{"control": control, "victim": victims[-1]} for control in controls]


def _nets_in(experiment: Config, config: Config) -> list[Config]:
    """Return the nets of an experiment, including those of its checkpoints (NET@STEP)."""
    names = [name.partition("@")[0] for name in experiment["sources"] + experiment["victims"]]
    return [config["nets"][name] for name in dict.fromkeys(names)]
