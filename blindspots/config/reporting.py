"""Report sets: what is shown of an experiment without a table or a figure being named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from blindspots.config import methods
from blindspots.config.wording import shown

Config = dict[str, Any]


SHOWN = "How often each net errs on each one's attacked images"
PICTURES = "Originals (odd columns) and distorted images (even columns)"


class Member(NamedTuple):
    """A table or a figure of a set.

    Attributes:
        section: "tables" or "figures".
        name: what it is called; where several experiments have it, each adds its own name.
        method: of it.
        title: of it.
        of: title where several experiments have it, with braces for the experiment.
    """

    section: str
    name: str
    method: str
    title: str
    of: str


SETS: dict[str, list[Member]] = {
    "standard": [
        Member("tables", "errors", "errors", "Errors, and the distortions found",
               "Errors of {}, and the distortions found"),
        Member("tables", "transfer", "transfer", SHOWN, f"{SHOWN}: {{}}"),
        Member("tables", "training", "training", "Trainings", "Trainings of {}"),
        Member("tables", "lipschitz", "layers", "Lipschitz bounds, layer by layer",
               "Lipschitz bounds of {}"),
        Member("tables", "ledger", "ledger", "Ledger: certified against found",
               "Ledger of {}: certified against found"),
        Member("figures", "transfer", "heatmap", SHOWN, f"{SHOWN}: {{}}"),
        Member("figures", "distortions", "distortions", "Distortions found",
               "Distortions found for {}"),
        Member("figures", "examples", "examples", PICTURES, f"{PICTURES}: {{}}"),
    ],
    "directions": [
        Member("tables", "excess", "excess", "Transfer beyond clean error and beyond noise",
               "Transfer beyond clean error and beyond noise: {}"),
        Member("tables", "radius", "radius",
               "Transfer radius: median distortion that fools the victim",
               "Transfer radius of {}: median distortion that fools the victim"),
        Member("tables", "alignment", "alignment", "Gradients of source and victim, and transfer",
               "Gradients of source and victim, and transfer: {}"),
        Member("figures", "curves", "curves", "Error against distortion, by direction",
               "Error against distortion, by direction: {}"),
    ],
    "bounds": [
        Member("tables", "looseness", "looseness",
               "Lipschitz constants: bounds and the steepest slopes found",
               "Lipschitz constants of {}: bounds and the steepest slopes found"),
        Member("figures", "robustness", "robustness", "Certified and found",
               "Certified and found: {}"),
    ],
    "none": [],
}  # fmt: skip
"""The sets by name. A table or a figure of the config's own of the same method and experiment takes
the place of a member."""


def add(
    config: Config, titles: Mapping[str, str], asked: dict[str, str], faults: list[str]
) -> None:
    """Add the tables and figures of the sets that a config, or an experiment of it, asks for.

    Args:
        config: expanded otherwise; `report` is taken out of it.
        titles: of experiments, by name.
        asked: by key that is added here, the key that asks for it.
        faults: a line is added for each name of no set.
    """
    own = not {"tables", "figures"}.isdisjoint(config)
    of_all = config.pop("report", "none" if own else "standard")
    wanted: dict[Member, dict[str, str]] = {}  # with the experiments, each with the key that asks
    _checked("report", of_all, faults)
    for name, experiment in config["experiments"].items():
        key, sets = f"experiments.{name}", of_all
        if "report" in experiment:
            key, sets = f"{key}.report", experiment.pop("report")
            _checked(key, sets, faults)
        for member in _members(sets):
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
                **_settings(member.method, config["experiments"][experiment], config),
                "title": member.title if alone else member.of.replace("{}", called),
            }
            asked[f"{member.section}.{name}"] = key


def _checked(key: str, sets: Any, faults: list[str]) -> None:
    for name in [sets] if isinstance(sets, str) else sets:
        if name not in SETS:
            hint = methods.did_you_mean(name, SETS)
            faults.append(f"{key}: expected sets of {', '.join(SETS)}, found {shown(name)}{hint}")


def _members(sets: Any) -> Iterator[Member]:
    for name in [sets] if isinstance(sets, str) else sets:
        yield from SETS.get(name, ())


def _is_there(member: Member, experiment: str, config: Config) -> bool:
    """Whether the config has a table or a figure of its own in a member's place."""
    return any(
        (entry.get("method"), entry.get("experiment")) == (member.method, experiment)
        for entry in config.get(member.section, {}).values()
    )


def _fits(member: Member, experiment: Config, config: Config) -> bool:
    """Whether there is something to show: of trainings, where a net is trained."""
    nets = [config["nets"].get(name, {}) for name in _nets_in(experiment)]
    return member.method != "training" or any("trainer" in net for net in nets)


def _settings(method: str, experiment: Config, config: Config) -> Config:
    """What a member shows of an experiment, where its method asks for that."""
    if method == "errors":
        nets = [config["nets"].get(name, {}) for name in _nets_in(experiment)]
        parts = [net["train_on"] for net in nets if "train_on" in net]
        return {"parts": list(dict.fromkeys([*parts, "test"]))}
    if method == "examples":
        sources, victims = experiment["sources"], experiment["victims"]
        ends = dict.fromkeys([sources[0], sources[-1]])
        panels = [{"source": s, "victim": s if s in victims else victims[-1]} for s in ends]
        controls = experiment.get("controls", [])[-1:]
        return {"panels": panels + [{"control": c, "victim": victims[-1]} for c in controls]}
    return {}


def _nets_in(experiment: Config) -> list[str]:
    return list(dict.fromkeys([*experiment["sources"], *experiment["victims"]]))
