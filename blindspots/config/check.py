"""Check a config before anything runs: a line for each fault, with its key and its remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from blindspots import provenance
from blindspots.config import attacked, checkpoints, datasets, measurements, traits
from blindspots.config.cells import printed_faults
from blindspots.config.chance import chance_faults
from blindspots.config.claims import claims_of, own_faults
from blindspots.config.drafts import Draft
from blindspots.config.instances import ROLES, SUMMARIES
from blindspots.config.lines import Written
from blindspots.config.needs import need_faults, trainer_faults
from blindspots.config.printed import printed
from blindspots.config.reading import full_form, raise_faults
from blindspots.config.references import in_use, own_weights, reference_faults
from blindspots.config.schema import own_keys
from blindspots.config.settings import method_faults
from blindspots.config.shows import shows_faults
from blindspots.config.summaries import SUBJECTS, mention_faults
from blindspots.config.threats import attack_faults, certificate_faults, length_faults
from blindspots.config.values import numbers
from blindspots.interface import InputError

Config = dict[str, Any]

DISTORTIONS = [0.02, 0.04, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3]
"""Default lengths, in RMS per pixel, that an experiment's directions are scaled to."""


def check(
    raw: Any,
    schema: Mapping[str, Any],
    where: str = "config",
    files: Written | None = None,
    run: str | None = None,
) -> Config:
    """Check a config and fill in its optional keys.

    Args:
        raw: config from YAML. Text such as "1e-4", a string to YAML, becomes a number.
        schema: schema of the config (schemas/config.schema.yaml).
        where: the config's file, for the messages.
        files: lines of its keys, see `lines.written`.
        run: name for a run whose config gives none.

    Returns:
        A new config in its full form (`expansion`), in which every optional key is present.

    Raises:
        InputError: invalid config, with a line for each fault.
    """
    return checked(full_form(raw, schema, where, files, run), where, files)


def checked(full: Draft, where: str = "config", files: Written | None = None) -> Config:
    """Return a config's full form with every optional key, see `check`."""
    config = numbers(full.config)
    short = "data" in config
    faults = [*_unreadable(config)] or [*datasets.fill_in(config, name_of)]
    if short and not faults:
        full.made[f"datasets.{next(iter(config['datasets']))}"] = "data"
    if not faults:
        _fill_in(config)
        faults = list(reference_faults(config))
        names_are_known = not faults
        if names_are_known:
            faults += [*chance_faults(config), *length_faults(config)]
        for key, role, instance in instances(config):
            given = method_settings(instance, role)
            if role == "attacks":
                faults += attack_faults(key, instance, given, config["nets"])
                given.pop("eps", None)  # one or more radii, of which a call takes one
            found = [*method_faults(key, role, instance, given)]
            if role == "certificates" and not found:
                found = [*certificate_faults(key, instance["method"], given)]
            elif role == "measurements":
                found += measurements.entry_faults(key, instance, config)
                found = found or [*measurements.rows_faults(key, instance, config)]
            elif role in ("analyses", "figures"):
                found += measurements.table_faults(key, role, instance, config)
                if names_are_known and not found:
                    found = [*mention_faults(key, role, instance, config)]
            faults += found
        faults = faults or [
            *need_faults(config), *trainer_faults(config), *shows_faults(config)
        ]  # fmt: skip
        faults = faults or [*own_faults(config), *printed_faults(config, printed(config))]
    raise_faults(faults, where, files or Written(), full)
    return config


def _unreadable(config: Config) -> Iterator[str]:
    """Yield a line for each fault in the files of printed figures and of claims."""
    for key, read in (("printed", printed), ("claims", claims_of)):
        try:
            read(config)
        except InputError as error:
            beside = "" if isinstance(config[key], list) else f"{key}: "
            yield from (beside + line for line in str(error).splitlines())


def instances(config: Config) -> Iterator[tuple[str, str, Config]]:
    """Iterate over the uses of methods in a config: the key, the role and the section."""
    for name, dataset in config["datasets"].items():
        yield f"datasets.{name}", "derived" if datasets.is_derived(dataset) else "datasets", dataset
    for name, net in config["nets"].items():
        if net["checkpoint"] is not None:
            continue  # has the model of its net
        yield f"nets.{name}.model", "models", net["model"]
        if net["trainer"] is not None:
            yield f"nets.{name}.trainer", "trainers", net["trainer"]
    for name, entry in config["measurements"].items():
        if "model" in entry:
            yield f"measurements.{name}.model", "models", entry["model"]
    for section, role in ROLES.items():
        for name, instance in config[section].items():
            yield f"{section}.{name}", role, instance


def method_settings(instance: Config, role: str) -> Config:
    """Return the settings of an instance that belong to its method."""
    own = {key: value for key, value in instance.items() if key not in own_keys(role)}
    if role == "datasets" and instance.get("root") is not None:
        with suppress(InputError):  # no such method, reported with the methods
            if "root" not in traits.marked(role, instance["method"], "mirror"):
                own["root"] = instance["root"]  # another folder may hold other data
    return own


def name_of(data: Config) -> str:
    """Return the name of the dataset in the section `data`; other settings give another name."""
    settings = method_settings(data, "datasets")
    name = str(data["method"]).rpartition(":")[2]
    if settings or ":" in data["method"]:
        name += "-" + provenance.settings_hash([data["method"], settings])[:8]
    return str(data.get("name", name))


def _fill_in(config: Config) -> None:
    config.setdefault("printed", None)
    config.setdefault("claims", None)
    for name, net in config["nets"].items():
        net.setdefault("label", name)
        net.setdefault("parents", {})
        net.setdefault("attacked", {})
        net.setdefault("weights", own_weights(net["model"])[1])
        for key in ("trainer", "train_on", "draws", "expect"):
            net.setdefault(key, None)
        if net["expect"] is not None:
            net["expect"] = {"part": "test", "tolerance": None, "required": False} | net["expect"]
    checkpoints.fill_in(config["nets"])
    for attack in config["attacks"].values():
        attack.setdefault("target", "random")
        attack.setdefault("mask", None)
        attack.setdefault("parents", {})
    for experiment in config["experiments"].values():
        if "attacks" not in experiment and "attack" in experiment:
            experiment["attacks"] = [experiment.pop("attack")]
        experiment.setdefault("attacks", [])
        experiment.setdefault("controls", [])
        experiment.setdefault("controls_n", experiment["n"])
        experiment.setdefault("amplify", [])
        experiment.setdefault("amplify_by", "image")
        experiment.setdefault("clip", True)
        experiment.setdefault("across_seeds", False)
        experiment["distortions"] = sorted(experiment.get("distortions", DISTORTIONS))
        experiment.setdefault("noise_draws", 16)
    attacked.fill_in(config)
    for section in SUMMARIES:
        for name, summary in config[section].items():
            summary.setdefault("title", name)
            for key in SUBJECTS:
                summary.setdefault(key, None)
            summary.setdefault("more_experiments", [])
            summary.setdefault("paper", None)
    config["machine"].setdefault("shards", 1)
    config["machine"].setdefault("checkpoint_seconds", 60)
    taking_part = in_use(config)
    used = [net for net in config["nets"] if net in taking_part]
    named = [net for net in used if "stands_for" not in config["nets"][net]]
    for certificate in config["certificates"].values():
        if certificate.get("nets", "all") == "all":
            certificate["nets"] = named
        certificate.setdefault("required", False)
        certificate.setdefault("n", None)
    measurements.fill_in(config, used)
    for entry in config["measurements"].values():
        if "model" in entry:
            entry.setdefault("weights", own_weights(entry["model"])[1])
