"""The section `measurements`: entries that are added by default, and faults in entries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from blindspots.config import methods
from blindspots.config.declarations import (
    EVERYWHERE,
    PARAMETERS,
    STORED,
    TYPICAL,
    Measurement,
    measurement,
    rows_of,
)
from blindspots.config.instances import ROLES, SUMMARIES
from blindspots.config.wording import unknown
from blindspots.interface import InputError

Config = dict[str, Any]

ALWAYS = ("transfer",)
"""Measurements of every experiment, whose tables the report and the audit read."""

OF_LEDGER = "witnesses"
"""Table of attacked images by which any measurement can add to the ledger."""

NETWORK = ("model", "shape", "classes", "weights")
"""Keys that describe the network of an entry whose measurement asks for one of its own."""


def declared(entry: Config) -> Measurement | None:
    """Return the declaration of an entry's measurement; None if it is invalid (`entry_faults`)."""
    with suppress(InputError):
        return measurement(entry["method"])
    return None


def asked(entry: Config) -> list[str]:
    """Return the parameters by which an entry's measurement asks for inputs."""
    with suppress(InputError):
        return methods.inputs("measurements", entry["method"])
    return []


def fill_in(config: Config, used: list[str]) -> None:
    """Fill in all keys of entries, and add entries for tables that are needed or always made.

    Args:
        config: config with its tables and figures filled in; changed in place.
        used: the nets of the experiments.
    """
    entries = config.setdefault("measurements", {})
    for entry in entries.values():
        _complete(entry, config, used)
    for method, experiments in _implied(config).items():
        entry = {"method": method}
        if measurement(method).subject == "experiment":
            entry["experiments"] = experiments
        else:
            taking_part = {net for name in experiments for net in _nets_in(config, name)}
            entry["nets"] = [net for net in used if net in taking_part]
        _complete(entry, config, used)
        name = method
        while name in entries:
            name += ".default"
        entries[name] = entry


def _complete(entry: Config, config: Config, used: list[str]) -> None:
    what = declared(entry)
    entry.setdefault("parents", {})
    if what is None:
        return  # reported with the entries
    of_nets = what.subject == "net" or (what.subject == "run" and "nets" in asked(entry))
    if what.subject == "experiment" and entry.get("experiments", "all") == "all":
        entry["experiments"] = list(config["experiments"])
    if of_nets and entry.get("nets", "all") == "all":
        entry["nets"] = used or list(config["nets"])
    if what.subject == "net":
        entry.setdefault("data", None)  # each net's own
        entry.setdefault("part", "test")
        entry.setdefault("n", None)


def _implied(config: Config) -> dict[str, list[str]]:
    """Return the package's measurements that are needed, each with the experiments without it."""
    ours = methods.names("measurements")
    known = {table: method for method in ours for table in measurement(method).given}
    del known[OF_LEDGER]  # several measurements give it
    asking: dict[str, set[str]] = {table: {*config["experiments"]} for table in ALWAYS}
    for section in SUMMARIES:
        for summary in config[section].values():
            of = {summary["experiment"], *summary["more_experiments"]} & {*config["experiments"]}
            with suppress(InputError):  # reported with the methods
                for table in methods.inputs(ROLES[section], summary["method"]):
                    asking.setdefault(table, set()).update(of)
    found: dict[str, set[str]] = {}
    for table, experiments in asking.items():
        left = {name for name in experiments if not givers(config, table, name)}
        if table in known and left:
            found.setdefault(known[table], set()).update(left)
    return {
        method: [name for name in config["experiments"] if name in experiments]
        for method, experiments in found.items()
    }


def givers(config: Config, table: str, experiment: str | None = None) -> list[str]:
    """Return the entries whose measurement gives a table: all, or those of an experiment."""
    return [
        name
        for name, entry in config["measurements"].items()
        if (what := declared(entry)) is not None
        and table in what.given
        and (experiment is None or _is_of(config, entry, what, experiment))
    ]


def _is_of(config: Config, entry: Config, what: Measurement, experiment: str) -> bool:
    """Return whether a measurement is of an experiment, one of its nets, or the whole run."""
    if what.subject == "net":
        return not set(entry["nets"]).isdisjoint(_nets_in(config, experiment))
    return what.subject == "run" or experiment in entry["experiments"]


def _nets_in(config: Config, experiment: str) -> list[str]:
    section = config["experiments"][experiment]
    return [*section["sources"], *section["victims"]]


def entry_faults(key: str, entry: Config, config: Config) -> Iterator[str]:
    """Yield a line for each fault of an entry, except in its settings.

    Args:
        key: key of the entry in the config.
        entry: the entry's section.
        config: the whole config.
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
                f"{key}.method: expected parameters of a measurement with subject {what.subject} "
                f"({', '.join(known)}), found {name!r}{hint}"
            )
    settings = methods.settings("measurements", entry["method"])
    for name in () if settings is None else [name for name in known if name in settings[0]]:
        yield (
            f"{key}.method: expected the input {name!r} among the positional parameters of "
            f"{entry['method']}, found it after a *; move it before the *"
        )
    if ":" in entry["method"]:
        for name in sorted({"transfer", "pictures"} & {*what.given}):
            yield (
                f"{key}.method: expected tables whose names the report and the audit do not use, "
                f"found {name!r}; rename it"
            )
    yield from _key_faults(key, entry, what, wanted)
    named = entry.get("nets", [])
    for net in named if named != "all" else ():  # "all" remains if unused
        yield from unknown(f"{key}.nets", net, config["nets"], "a net")
    named = entry.get("experiments", [])
    for name in named if named != "all" else ():  # "all" remains if unused
        yield from unknown(f"{key}.experiments", name, config["experiments"], "an experiment")
    if entry.get("data") is not None:
        yield from unknown(f"{key}.data", entry["data"], config["datasets"], "a dataset")
    measured = entry["nets"] if what.subject == "net" or "nets" in wanted else []
    for role, net in entry["parents"].items():
        yield from unknown(f"{key}.parents.{role}", net, config["nets"], "a net")
        if net in measured:
            yield (
                f"{key}.parents.{role}: expected a net that is not measured, found {net}; name the "
                f"others under {key}.nets"
            )
    model = entry.get("model")
    if model is not None and _needs_parents(model["method"]):
        yield f"{key}.model: expected a model without parents, found one with parents"


def rows_faults(key: str, entry: Config, config: Config) -> Iterator[str]:
    """Yield a line if an otherwise valid entry's measurement cannot tell its number of rows.

    Args:
        key: key of the entry in the config.
        entry: the entry's section.
        config: the whole config.
    """
    for experiment in [config["experiments"][n] for n in entry.get("experiments", [])] or [{}]:
        try:
            rows_of(entry, TYPICAL[0], experiment)
        except InputError as error:
            yield f"{key}.method: {error}"
            return


def keys_of(what: Measurement, wanted: list[str]) -> dict[str, bool]:
    """Return the workflow's keys of an entry, each with whether its measurement's subject has it.

    Args:
        what: declaration of the measurement.
        wanted: parameters by which it asks for inputs.
    """
    of_net, of_experiment = what.subject == "net", what.subject == "experiment"
    of_network = what.subject == "run" and not {"network", "origin", "shape"}.isdisjoint(wanted)
    return {
        "nets": not of_experiment, "experiments": of_experiment,
        "data": of_net, "part": of_net, "n": of_net, **dict.fromkeys(NETWORK, of_network),
    }  # fmt: skip


def _key_faults(key: str, entry: Config, what: Measurement, wanted: list[str]) -> Iterator[str]:
    """Yield faults in the workflow's keys: ones that an entry's subject lacks, or needs."""
    fits = keys_of(what, wanted)
    of_network = fits[NETWORK[0]]
    for name, may_be in fits.items():
        if name in entry and not may_be:
            yield (
                f"{key}.{name}: expected none for {entry['method']}, whose subject is the "
                f"{what.subject}, found one; remove it"
            )
    shows = {"n": {"data"}, "data": {"data", "train"}} if what.subject == "net" else {}
    if what.subject == "run":
        shows["nets"] = {"nets"}
    for name, parameters in shows.items():
        if entry.get(name) is not None and parameters.isdisjoint(wanted):
            yield (
                f"{key}.{name}: expected none for {entry['method']}, which does not ask for "
                f"{' or '.join(sorted(parameters))}, found one; remove it"
            )
    needed = [*(["n"] if "data" in wanted and what.subject == "net" else [])]
    needed += NETWORK[:3] if of_network else ()
    for name in needed:
        if entry.get(name) is None:
            yield f"{key}: expected the key {name!r} for {entry['method']}, found none; add it"
    if entry["parents"] and "parents" not in wanted:
        yield f"{key}.parents: expected none for {entry['method']}, found some; remove them"


def table_faults(key: str, role: str, summary: Config, config: Config) -> Iterator[str]:
    """Yield a line for each table that an analysis or a figure cannot read.

    Args:
        key: key of the table or figure in the config.
        role: "analyses" or "figures".
        summary: section of the table or figure.
        config: the whole config.
    """
    try:
        wanted = methods.inputs(role, summary["method"])
    except InputError:
        return  # reported with the methods
    entries = config["measurements"]
    if (summary["experiment"] is None) == (summary["measurement"] is None):
        return  # reported with the subjects
    if summary["measurement"] is not None:
        what = declared(entries.get(summary["measurement"], {"method": ""}))
        if what is None:
            return  # reported with the measurements
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
            yield f"{key}.method: expected tables as parameters ({tables}), found {name!r}{near}"
        elif summary["experiment"] is not None and name not in STORED:
            yield from _giver_faults(key, name, summary, config)


def _giver_faults(key: str, table: str, summary: Config, config: Config) -> Iterator[str]:
    """Yield a line for each experiment for which not exactly one measurement gives a table."""
    for experiment in [summary["experiment"], *summary["more_experiments"]]:
        if experiment not in config["experiments"]:
            continue  # reported with the names
        found = givers(config, table, experiment)
        if not found:
            entry = givers(config, table)[0]
            yield (
                f"{key}: expected a measurement of {experiment} that gives {table!r}, found none; "
                f"add it to measurements.{entry}"
            )
        elif len(found) > 1:
            yield (
                f"{key}: expected one measurement that gives {table!r}, found {', '.join(found)}; "
                "name one under measurement: instead of an experiment"
            )
            return


def _needs_parents(model: str) -> bool:
    with suppress(InputError):  # reported with the methods
        settings = methods.settings("models", model)
        return settings is not None and "parents" in settings[1]
    return False
