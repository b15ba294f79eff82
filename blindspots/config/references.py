"""Faults in the names by which the sections of a config refer to each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from blindspots.config import methods, traits
from blindspots.config.attacked import attacked_faults
from blindspots.config.checkpoints import checkpoint_faults
from blindspots.config.datasets import dataset_faults, parent_faults
from blindspots.config.instances import SUMMARIES
from blindspots.config.parts import part_faults
from blindspots.config.summaries import summary_faults
from blindspots.config.wording import unknown
from blindspots.interface import InputError

Config = dict[str, Any]


def in_use(config: Config) -> set[str]:
    """Return the nets that take part in an experiment."""
    experiments = config["experiments"].values()
    return {net for e in experiments for net in e["sources"] + e["victims"]}


def own_weights(model: Config) -> tuple[str, str | None]:
    """Return the setting that names the file of the weights that a model brings, and that file.

    Returns:
        Empty text and None if it brings none; None for the file if the setting is left out.
    """
    with suppress(InputError):  # no such method, reported with the methods
        return traits.own_weights(model["method"], model) or ("", None)
    return "", None


def reference_faults(config: Config) -> Iterator[str]:
    """Yield a line for each name that is unknown, or not allowed where it is used."""
    nets, attacks, experiments = config["nets"], config["attacks"], config["experiments"]
    for name, net in nets.items():
        if net["checkpoint"] is None:
            yield from _net_faults(name, net, config)
    yield from part_faults(config)
    yield from dataset_faults(config)
    for name in nets.keys() & attacks.keys():
        yield f"attacks.{name}: expected a name that no net has, found that of a net; rename it"
    for name, experiment in experiments.items():
        key = f"experiments.{name}"
        if "attack" in experiment or not experiment["attacks"]:
            found = "both" if "attack" in experiment else "neither"
            yield f"{key}: expected either attack or a list of attacks, found {found}"
        for attack in experiment["attacks"]:
            yield from unknown(f"{key}.attack", attack, attacks, "an attack")
            if attack in attacks and _kind(attacks[attack]["method"]) == "control":
                yield (
                    f"{key}.attack: expected an attack, which looks for images that fool a net, "
                    f"found {attack}, a control; name it among controls"
                )
        for control in experiment["controls"]:
            yield from unknown(f"{key}.controls", control, attacks, "an attack")
            if control in attacks and _kind(attacks[control]["method"]) not in ("control", ""):
                yield (
                    f"{key}.controls: expected an attack that needs no model, such as gaussian, "
                    f"found {control}"
                )
        for role in ("sources", "victims"):
            for net in experiment[role]:
                yield from unknown(f"{key}.{role}", net, nets, "a net")
    for section in SUMMARIES:
        for name, summary in config[section].items():
            yield from summary_faults(f"{section}.{name}", summary, config)
    used = in_use(config)
    for name, certificate in config["certificates"].items():
        for net in certificate["nets"]:
            key = f"certificates.{name}.nets"
            yield from unknown(key, net, nets, "a net")
            if net in nets and net not in used:
                yield f"{key}: expected nets of the experiments, found {net}; leave it out"


def _kind(attack: str) -> str:
    try:
        return traits.family(attack).kind
    except InputError:
        return ""  # reported with the methods


def _net_faults(name: str, net: Config, config: Config) -> Iterator[str]:
    key = f"nets.{name}"
    made_of_parents = net["parents"] and net["trainer"] is None and net["weights"] is None
    setting, file = own_weights(net["model"])
    if setting:
        if net["trainer"] or net["train_on"] or net["weights"] != file:
            told = f"as its weights are in model.{setting}"
            yield f"{key}: expected a model alone, {told}; remove the rest"
    elif (net["trainer"] is None) == (net["weights"] is None) and not made_of_parents:
        found = "neither" if net["trainer"] is None else "both"
        yield f"{key}: expected either trainer or weights, found {found}"
    elif (net["trainer"] is None) != (net["train_on"] is None):
        remedy = "add train_on: train" if net["train_on"] is None else "remove train_on"
        yield f"{key}: expected train_on with a trainer, and only there; {remedy}"
    if net["expect"] is not None and net["trainer"] is not None:
        yield f"{key}.expect: expected it for a net with given weights, found a trainer; remove it"
    users = [("models", net["model"]["method"])]
    users += [] if net["trainer"] is None else [("trainers", net["trainer"]["method"])]
    yield from parent_faults(key, net["parents"], users, config["nets"])
    yield from checkpoint_faults(key, net)
    yield from attacked_faults(key, net, config)
    if net["trainer"] is not None:
        yield from _loop_faults(key, net, config)


def _loop_faults(key: str, net: Config, config: Config) -> Iterator[str]:
    """Yield a line for each fault in what the trainers' loop uses: validation images, parents."""
    method = net["trainer"]["method"]
    try:
        of_loop = traits.of_loop(method)
        parameters = traits.trainer_parameters(method)
        model_takes_parents = methods.takes("models", net["model"]["method"], "parents")
    except InputError:
        return  # reported with the methods
    validates = traits.validates(parameters, net["trainer"])
    if validates and config["splits"]["validation"] == 0:
        yield (
            f"{key}.trainer: expected validation images, which {method} needs, found validation: 0 "
            "under splits; raise it, or choose another trainer or no patience"
        )
    for name, entry in net["attacked"].items() if validates else ():
        if config["experiments"].get(entry["experiment"], {}).get("part") == "validation":
            yield (
                f"{key}.attacked.{name}: expected attacked images of a part other than validation, "
                "by which the training is judged, found validation; name an experiment on train, "
                "P1 or P2"
            )
    for role in net["parents"] if "parents" in of_loop and not model_takes_parents else ():
        if role != "start":
            yield (
                f"{key}.parents.{role}: expected start, the net whose weights {method} starts "
                "from, found another; rename or remove it"
            )
