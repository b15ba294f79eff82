"""The section `measurements`: what is measured without an entry, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from blindspots.config import methods
from blindspots.config.declarations import (
    EVERYWHERE,
    PARAMETERS,
    STORED,
    Measurement,
    measurement,
)
from blindspots.config.wording import unknown
from blindspots.interface import InputError

Config = dict[str, Any]

ALWAYS = ("transfer",)
"""Measurements of every experiment, whose tables the report and the audit read."""

OF_LEDGER = "witnesses"
"""The table of attacked images by which any measurement adds to the ledger."""

NETWORK = ("model", "shape", "classes", "weights")
"""Keys of an entry whose measurement asks for a network that is none of the nets."""


def declared(entry: Config) -> Measurement | None:
    """What an entry's measurement declares; None: nothing that can be read, see `entry_faults`."""
    with suppress(InputError):
        return measurement(entry["method"])
    return None


def asked(entry: Config) -> list[str]:
    """What an entry's measurement asks for by its parameters."""
    with suppress(InputError):
        return methods.inputs("measurements", entry["method"])
    return []


def fill_in(config: Config, used: list[str]) -> None:
    """Give every entry all its keys, and add those whose tables are asked for or always made.

    Args:
        config: changed in place; its tables and figures are filled in.
        used: the nets of the experiments.
    """
    entries = config.setdefault("measurements", {})
    for method, experiments in _implied(config).items():
        name = method
        while name in entries:  # as that of an entry of another method
            name += ".default"
        entries[name] = {"method": method}
        if measurement(method).subject == "experiment":
            entries[name]["experiments"] = experiments
        else:
            shown = [config["experiments"][name] for name in experiments]
            taking_part = {net for each in shown for net in each["sources"] + each["victims"]}
            entries[name]["nets"] = [net for net in used if net in taking_part]
    for entry in entries.values():
        what = declared(entry)
        entry.setdefault("parents", {})
        if what is not None and what.subject == "experiment":
            if entry.get("experiments", "all") == "all":
                entry["experiments"] = list(config["experiments"])
        elif what is not None and entry.get("nets", "all") == "all":
            entry["nets"] = used or list(config["nets"])
        if entry.get("experiments") == "all":  # of a measurement that has none, said with it
            entry["experiments"] = []
        if what is not None and what.subject == "net":
            entry.setdefault("data", None)  # of each net its own
            entry.setdefault("part", "test")
            entry.setdefault("n", None)


def _implied(config: Config) -> dict[str, list[str]]:
    """The package's measurements that no entry names, and the experiments that need them."""
    ours = methods.names("measurements")
    known = {table: method for method in ours for table in measurement(method).given}
    del known[OF_LEDGER]  # which several give
    asking: dict[str, set[str]] = {table: {*config["experiments"]} for table in ALWAYS}
    for section, role in (("tables", "analyses"), ("figures", "figures")):
        for summary in config[section].values():
            of = {summary["experiment"], *summary["more_experiments"]} & {*config["experiments"]}
            with suppress(InputError):  # said with the methods
                for table in methods.inputs(role, summary["method"]):
                    asking.setdefault(table, set()).update(of)
    found: dict[str, set[str]] = {}
    for table, experiments in asking.items():
        if table in known and experiments and not givers(config, table):
            found.setdefault(known[table], set()).update(experiments)
    return {
        method: [name for name in config["experiments"] if name in experiments]
        for method, experiments in found.items()
    }


def givers(config: Config, table: str) -> list[str]:
    """The entries whose measurement gives a table."""
    entries = config["measurements"].items()
    found = ((name, declared(entry)) for name, entry in entries)
    return [name for name, what in found if what is not None and table in what.given]


def entry_faults(key: str, entry: Config, config: Config) -> Iterator[str]:
    """A line for each fault of an entry but for its settings.

    Args:
        key: of the entry in the config.
        entry: its mapping.
        config: as a whole.
    """
    try:
        what, wanted = measurement(entry["method"]), asked(entry)
    except InputError as error:
        yield f"{key}.method: {error}"
        return
    known = (*PARAMETERS[what.subject], *EVERYWHERE)
    for name in wanted:
        if name not in known:
            hint = methods.did_you_mean(name, known) or "; settings come after a *"
            yield (
                f"{key}.method: expected parameters of a measurement of the subject {what.subject} "
                f"({', '.join(known)}), found {name!r}{hint}"
            )
    if ":" in entry["method"]:
        for name in sorted({"transfer", "pictures"} & {*what.given}):
            yield (
                f"{key}.method: expected tables of other names than those that the report and the "
                f"audit read, found {name!r}; rename it"
            )
    yield from _key_faults(key, entry, what, wanted)
    for net in [*entry.get("nets", []), *entry["parents"].values()]:
        yield from unknown(f"{key}.nets", net, config["nets"], "a net")
    for name in entry.get("experiments", []):
        yield from unknown(f"{key}.experiments", name, config["experiments"], "an experiment")
    if entry.get("data") is not None:
        yield from unknown(f"{key}.data", entry["data"], config["datasets"], "a dataset")
    for role, net in entry["parents"].items():
        if net in entry.get("nets", []):
            yield f"{key}.parents.{role}: expected a net that is not measured, found {net}"
    model = entry.get("model")
    if model is not None and _needs_parents(model["method"]):
        yield f"{key}.model: expected a model without parents, found one with some"


def _key_faults(key: str, entry: Config, what: Measurement, wanted: list[str]) -> Iterator[str]:
    """Keys of the workflow that an entry's subject does not have, or needs."""
    of_network = what.subject == "run" and not {"network", "origin", "shape"}.isdisjoint(wanted)
    fits = {
        "nets": what.subject != "experiment", "experiments": what.subject == "experiment",
        "data": what.subject == "net", "part": what.subject == "net", "n": what.subject == "net",
        **dict.fromkeys(NETWORK, of_network),
    }  # fmt: skip
    for name, may_be in fits.items():
        if name in entry and not may_be:
            yield (
                f"{key}.{name}: expected none for {entry['method']}, whose subject is the "
                f"{what.subject}, found one; remove it"
            )
    needed = [*(["n"] if "data" in wanted and what.subject == "net" else [])]
    needed += NETWORK[:3] if of_network else ()
    for name in needed:
        if entry.get(name) is None:
            yield f"{key}: expected the key {name!r} for {entry['method']}, found none; add it"
    if entry["parents"] and "parents" not in wanted:
        yield f"{key}.parents: expected none for {entry['method']}, found some; remove them"


def table_faults(key: str, role: str, summary: Config, config: Config) -> Iterator[str]:
    """A line for each table that an analysis or a figure cannot read.

    Args:
        key: of the table or figure in the config.
        role: "analyses" or "figures".
        summary: its mapping.
        config: as a whole.
    """
    try:
        wanted = methods.inputs(role, summary["method"])
    except InputError:
        return  # said with the methods
    entries = config["measurements"]
    if (summary["experiment"] is None) == (summary["measurement"] is None):
        return  # said with the subjects
    if summary["measurement"] is not None:
        what = declared(entries.get(summary["measurement"], {"method": ""}))
        if what is None:
            return  # said with the measurements
        known = list(what.given)
    else:
        given = (what.given for entry in entries.values() if (what := declared(entry)))
        known = [*STORED, *dict.fromkeys(name for names in given for name in names)]
        ours = (measurement(name) for name in methods.names("measurements"))
        known += [t for one in ours if one.subject == "experiment" for t in one.given]
    for name in wanted:
        if name not in known:
            near = methods.did_you_mean(name, known) or "; settings come after a *"
            named = next(iter(givers(config, name)), None)
            if named is not None:
                near = f"; name measurement: {named}"
            tables = ", ".join(dict.fromkeys(known))
            yield f"{key}.method: expected to read tables ({tables}), found {name!r}{near}"
        elif summary["experiment"] is not None and len(found := givers(config, name)) > 1:
            yield (
                f"{key}: expected one measurement that gives {name!r}, found {', '.join(found)}; "
                "name one by measurement: instead of an experiment"
            )
        elif summary["experiment"] is not None and found and name not in STORED:
            yield from _not_measured(f"{key}: expected {name!r}", found[0], summary, config)


def _not_measured(expected: str, giver: str, summary: Config, config: Config) -> Iterator[str]:
    """A line for each experiment of a table or a figure that an entry leaves out."""
    entry = config["measurements"][giver]
    for name in (summary["experiment"], *summary["more_experiments"]):
        if (shown := config["experiments"].get(name)) is None:
            continue  # said with the subjects
        nets = entry.get("nets", shown["sources"])
        if name not in entry.get("experiments", [name]):
            yield (
                f"{expected} of {name}, which measurements.{giver} does not measure; add it to its "
                "experiments"
            )
        elif {*nets}.isdisjoint(shown["sources"] + shown["victims"]):
            yield (
                f"{expected} of nets of {name}, found that measurements.{giver} measures others; "
                "add some of these to its nets"
            )


def _needs_parents(model: str) -> bool:
    with suppress(InputError):  # said with the methods
        settings = methods.settings("models", model)
        return settings is not None and "parents" in settings[1]
    return False
