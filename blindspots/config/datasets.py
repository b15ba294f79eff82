"""The datasets of a config: plain ones, and ones made from the images of another.

A dataset made from another, with or without nets, is *derived*: its `data` names the other one.
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
    """Return the plain dataset that a dataset is ultimately made from; itself if it is plain."""
    while is_derived(datasets[name]):
        name = datasets[name]["data"]
    return name


def plain_in(config: Config, name: str | None) -> str | None:
    """Return the plain dataset that one is made from, in a config that is not yet filled in.

    Args:
        config: config with a section `data`, `datasets` or both.
        name: name of the dataset; None: the dataset of an entry that names none.

    Returns:
        Its name; None for the dataset in `data`, which needs no name.
    """
    datasets = config.get("datasets", {})
    plain = [one for one, of in datasets.items() if not of.get("parents") and not of.get("data")]
    default = plain[0] if "data" not in config and len(plain) == 1 else None
    for _ in datasets:  # bounds the steps if the names form a cycle
        made = datasets.get(name, {})
        if not made.get("data") and not made.get("parents"):
            break
        name = made.get("data")
    return name if name in datasets else default


def fill_in(config: Config, name_of: Callable[[Config], str]) -> Iterator[str]:
    """Move all datasets into the section `datasets`, that of `data` first, and fill in their names.

    An entry that names no dataset uses that of `data`, or the only plain one.

    Args:
        config: config with a section `data`, `datasets` or both; afterwards only `datasets`.
        name_of: function that returns the name of the dataset in `data`.

    Yields:
        A line if there is no dataset, or two of one name.
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
    """Yield a line for each unknown or missing name of a dataset or parent, and for cycles."""
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
            yield f"{key}: expected the key 'data' with parents, found none{known}"
        if is_derived(dataset):
            yield from unknown(f"{key}.data", dataset["data"], datasets, "a dataset")
            users = [("derived", dataset["method"])]
            yield from parent_faults(key, dataset["parents"], users, nets)
    yield from _cycles(config)
    for name, experiment in config["experiments"].items():
        if experiment["across_seeds"] and datasets.get(experiment["data"], {}).get("data"):
            yield (
                f"experiments.{name}.across_seeds: expected false with {experiment['data']}, whose "
                "images differ from seed to seed, found true"
            )


def parent_faults(
    key: str,
    parents: Mapping[str, str],
    users: Sequence[tuple[str, str]],
    nets: Mapping[str, Any],
) -> Iterator[str]:
    """Yield a line for each parent that is not a net, and for missing or needless parents.

    Args:
        key: key in the config of the entry that has the parents.
        parents: names of nets, by the methods' names for them.
        users: role and name of each method that takes them.
        nets: the config's nets.
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
    """Yield a line for the first net or dataset that is made from itself."""
    for section in ("nets", "datasets"):
        for name, entry in config[section].items():
            if (section, name) in ancestors(config, [(section, name)]):
                key = next((k for k in ("parents", "attacked") if entry.get(k)), "data")
                yield f"{section}.{name}.{key}: expected no cycle, found one through {name}"
                return
