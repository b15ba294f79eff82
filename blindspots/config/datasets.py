"""The datasets of a config: plain ones, and ones that are made from the images of another.

A dataset that is made from another, by nets or without, is *derived*: `data` names the other one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from blindspots.config import methods
from blindspots.config.ancestry import ancestors
from blindspots.config.wording import unknown
from blindspots.interface import InputError

Config = dict[str, Any]


def is_derived(dataset: Mapping[str, Any]) -> bool:
    """Return whether an entry of `datasets` is made from the images of another."""
    return dataset["data"] is not None


def plain_of(datasets: Mapping[str, Config], name: str) -> str:
    """The plain dataset whose images a dataset is made from in the end; itself, if it is plain."""
    while is_derived(datasets[name]):
        name = datasets[name]["data"]
    return name


def plain_in(config: Config, name: str | None) -> str | None:
    """The plain dataset that one is made from, of a config that is not filled in.

    Args:
        config: with a section `data`, `datasets` or both.
        name: name of the dataset; None: the one that is meant where none is named.

    Returns:
        None for that of `data`, which needs no name.
    """
    datasets = config.get("datasets", {})
    plain = [one for one, of in datasets.items() if not of.get("parents") and not of.get("data")]
    default = plain[0] if "data" not in config and len(plain) == 1 else None
    for _ in datasets:  # so many steps at most, where the names go in a circle
        made = datasets.get(name, {})
        if not made.get("data") and not made.get("parents"):
            break
        name = made.get("data")
    return name if name in datasets else default


def fill_in(config: Config, name_of: Callable[[Config], str]) -> Iterator[str]:
    """Put all datasets into the section `datasets`, that of `data` first, and name them everywhere.

    What names no dataset means that of `data`, or the only plain one.

    Args:
        config: with a section `data`, `datasets` or both; afterwards with `datasets` alone.
        name_of: gives the name of the dataset in `data`.

    Yields:
        A line where there is no dataset, or two of one name.
    """
    found, default = config.get("datasets", {}), None
    if "data" in config:
        data = config.pop("data")
        default = name_of(data)
        if default in found:
            yield f"data.name: expected a name that no entry of datasets has, found {default}"
        found = {default: {key: value for key, value in data.items() if key != "name"}} | found
    elif not found:
        yield "top level: expected the key 'data', or 'datasets', found neither; add one"
    plain = [name for name, of in found.items() if not of.get("parents") and not of.get("data")]
    if default is None and len(plain) == 1:
        default = plain[0]
    for dataset in found.values():
        dataset.setdefault("root", None)
        dataset.setdefault("parents", {})
        dataset.setdefault("data", default if dataset["parents"] else None)
    for section in ("nets", "experiments"):
        for entry in config.get(section, {}).values():
            entry.setdefault("data", default)
    config["datasets"] = found


def dataset_faults(config: Config) -> Iterator[str]:
    """A line for each name of a dataset that names nothing, and for what is made from itself."""
    datasets, nets = config["datasets"], config["nets"]
    known = f"; name one of datasets ({', '.join(datasets)})"
    for section in ("nets", "experiments"):
        for name, entry in config[section].items():
            if entry["data"] is None:
                yield f"{section}.{name}: expected the key 'data', found none{known}"
            else:
                yield from unknown(f"{section}.{name}.data", entry["data"], datasets, "a dataset")
    for name, dataset in datasets.items():
        key = f"datasets.{name}"
        if dataset["parents"] and not is_derived(dataset):
            yield f"{key}: expected the key 'data' beside parents, found none{known}"
        if is_derived(dataset):
            yield from unknown(f"{key}.data", dataset["data"], datasets, "a dataset")
            users = [("derived", dataset["method"])]
            yield from parent_faults(key, dataset["parents"], users, nets)
    yield from _cycles(config)
    for name, experiment in config["experiments"].items():
        if experiment["across_seeds"] and datasets.get(experiment["data"], {}).get("data"):
            yield (
                f"experiments.{name}.across_seeds: expected false with {experiment['data']}, which "
                "each seed has images of its own of, found true"
            )


def parent_faults(
    key: str,
    parents: Mapping[str, str],
    users: Sequence[tuple[str, str]],
    nets: Mapping[str, Any],
) -> Iterator[str]:
    """A line for each parent that is not a net, and for missing or needless parents.

    Args:
        key: key of what has the parents in the config.
        parents: names of nets, by the name that the methods know them by.
        users: role and name of the methods that are given them.
        nets: of the config.
    """
    for name, parent in parents.items():
        yield from unknown(f"{key}.parents.{name}", parent, nets, "a net")
    try:
        found = {method: methods.settings(role, method) for role, method in users}
    except InputError:
        return  # reported with the methods
    told = [settings for settings in found.values() if settings is not None]
    if parents and len(told) == len(found) and not any("parents" in all_ for all_, _ in told):
        yield f"{key}.parents: expected none for {' and '.join(found)}, found some; remove them"
    for method, settings in found.items():
        if not parents and settings is not None and "parents" in settings[1]:
            yield f"{key}: expected parents for {method}, found none; add them"


def _cycles(config: Config) -> Iterator[str]:
    """A line for the first net or dataset that is made from itself."""
    for section in ("nets", "datasets"):
        for name, entry in config[section].items():
            if (section, name) in ancestors(config, [(section, name)]):
                key = next((k for k in ("parents", "attacked") if entry.get(k)), "data")
                yield f"{section}.{name}.{key}: expected no cycle, found one through {name}"
                return
