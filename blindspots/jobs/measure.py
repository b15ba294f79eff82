"""Call a measurement with what its parameters ask for, and write the tables that it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from torch import nn

from blindspots.attacks.table import schema
from blindspots.config import methods
from blindspots.config.measurements import OF_LEDGER
from blindspots.devices import pick
from blindspots.files import images, tables, weights
from blindspots.interface import InputError
from blindspots.jobs.job import own_models, progress, provenance
from blindspots.measurements.transfer import attacked, control
from blindspots.randomness import derived_seed
from blindspots.threat.chance import seeded

Offers = dict[str, Callable[[], Any]]
"""Makers of parameters' values by name; a value is made only if it is asked for."""


def measure(snakemake) -> None:
    """Write the tables of one measurement of a net, an experiment or the run."""
    told = snakemake.params.measurement
    function, wanted = methods.find("measurements", told["method"]), told["wants"]
    device = pick(snakemake.config["machine"]["device"] if told["gpu"] else "cpu")
    subjects = {"net": _of_net, "experiment": _of_experiment, "run": _of_run}
    found: dict[str, list[pa.Table]] = {name: [] for name in told["gives"]}
    where = f"measurements.{told['entry']}"
    for name, keys, offers in subjects[told["subject"]](snakemake, told, device):
        with progress(f"{told['entry']}, {name}", "steps") as show:
            offers |= {
                "entry": lambda: told["entry"],
                "chunk": lambda: snakemake.config["machine"]["chunk"],
                "progress": partial(_given, show),
            }
            try:
                asked = {n: offers[n]() for n in wanted}
                with seeded(offers["seed"](), f"{where} {name}"):
                    result = function(**asked, **told["settings"])
            except InputError as error:
                raise InputError(f"{where}: {error}") from None
        for table, rows in _named(result, told["gives"], where).items():
            made = _with_keys(rows, keys, f"{where}: {table}")
            if table == OF_LEDGER:
                _assert_witnesses(made, f"{where}: {table}")
            found[table].append(made)
    for table, parts in found.items():
        tables.write(
            snakemake.output[table], _joined(parts, f"{where}: {table}"), provenance(snakemake)
        )


def _named(result: Any, names: Sequence[str], where: str) -> dict[str, Any]:
    """The tables by name; one that was returned by itself is the only one declared."""
    alone = not isinstance(result, Mapping)
    if alone and len(names) == 1:
        return {names[0]: result}
    if alone or result.keys() != set(names):
        found = type(result).__name__ if alone else ", ".join(map(str, result)) or "none"
        raise InputError(
            f"{where}: expected a mapping with the tables that it declares ({', '.join(names)}), "
            f"found {found}"
        )
    return dict(result)


def _with_keys(rows: Any, keys: Mapping[str, Any], where: str) -> pa.Table:
    """A table with the columns that say what its rows are of, where they are not there yet."""
    if isinstance(rows, pd.DataFrame):
        try:
            rows = pa.Table.from_pandas(rows, preserve_index=False)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise InputError(
                f"{where}: expected columns of one type each, found others ({_line(error)})"
            ) from None
    if not isinstance(rows, pa.Table):
        raise InputError(
            f"{where}: expected a table of PyArrow or of pandas, found {type(rows).__name__}"
        )
    for name, value in keys.items():
        if name not in rows.column_names:
            kind = pa.int32() if isinstance(value, int) else pa.string()
            rows = rows.append_column(name, pa.array([value] * len(rows), kind))
    return rows


def _joined(parts: Sequence[pa.Table], where: str) -> pa.Table:
    try:
        return pa.concat_tables(parts, promote_options="permissive")
    except (pa.ArrowException, TypeError) as error:
        raise InputError(
            f"{where}: expected the same columns for each seed, found others ({_line(error)})"
        ) from None


def _assert_witnesses(rows: pa.Table, where: str) -> None:
    """Refuse rows that the ledger could not read: they have an attack's columns."""
    wanted = schema(()).remove_metadata()
    missing = [name for name in wanted.names if name not in rows.column_names]
    missing += [
        each.name
        for each in wanted
        if not each.nullable and each.name not in missing and rows[each.name].null_count
    ]
    if missing:
        raise InputError(
            f"{where}: expected the columns of a table of attacks, see blindspots.attacks.table, "
            f"those of every row filled, found no {', '.join(missing)}"
        )


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


class _Models(Mapping):
    """Models by name, each read when it is asked for, and not kept."""

    def __init__(self, files: Mapping[Any, str], read: Callable[[str], nn.Module]) -> None:
        self.files, self.read = dict(files), read

    def __getitem__(self, name: Any) -> nn.Module:
        return self.read(self.files[name])

    def __iter__(self) -> Iterator[Any]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)


def _reader(snakemake, device) -> Callable[[str], nn.Module]:
    own = own_models(snakemake)
    return lambda path: weights.load(path, own=own).to(device)


def _of_net(snakemake, told, device) -> Iterator[tuple[str, dict[str, Any], Offers]]:
    given, net, seed = snakemake.input, snakemake.wildcards.net, int(snakemake.wildcards.seed)
    read, part, n = _reader(snakemake, device), told["part"], told["n"]

    def fresh() -> nn.Module:
        new = derived_seed(seed, f"untrained/{net}")
        made = weights.untrained(given.weights, seed=new, own=own_models(snakemake))
        return made.to(device)

    yield f"{net}.s{seed}", {"net": net, "seed": seed}, {
        "net": lambda: net,
        "seed": lambda: seed,
        "model": lambda: read(given.weights),
        "fresh": lambda: fresh,
        "data": lambda: images.read(given.images, given.split, part, n, device),
        "train": lambda: lambda n: images.read(given.train, given.split, "train", n, device),
        "shape": lambda: tuple(weights.spec_of(given.weights)["shape"]),
        "classes": lambda: weights.spec_of(given.weights)["classes"],
        "parents": lambda: _parents(given, told, read),
    }  # fmt: skip


def _of_experiment(snakemake, told, device) -> Iterator[tuple[str, dict[str, Any], Offers]]:
    """One call for each seed; the files of each input are in the order of seeds."""
    given, section, seeds = snakemake.input, told["experiment"], told["seeds"]
    name, read = snakemake.wildcards.experiment, _reader(snakemake, device)
    networks = [(victim, seed) for seed in seeds for victim in section["victims"]]
    every = _Models(dict(zip(networks, _paths(given, "victims"), strict=False)), read)
    made = list(product(section["attacks"], section["sources"]))
    parts = zip(seeds, given.images, given.splits, strict=True)
    for at, (seed, prepared, split) in enumerate(parts):

        def these(input, names, at=at):
            return dict(zip(names, _paths(given, input)[at * len(names) :], strict=False))

        def some(n, prepared=prepared, split=split):
            return images.read(prepared, split, section["part"], n, device)

        def exhibits(these=these, some=some):
            data = some(section["n"])
            files = these("attacks", made).values()
            return [one for file in files for one in attacked(file, data, [], clip=True)]

        def controls(some=some, seed=seed):
            data = some(section["controls_n"])
            return [
                control(name, made["method"], made["settings"], data, seed)
                for name, made in told["controls"].items()
            ]

        def models(input, names, these=these):
            return {net: read(file) for net, file in these(input, names).items()}

        yield f"{name}, seed {seed}", {"experiment": name, "seed": seed}, {
            "experiment": lambda: name,
            "seed": partial(_given, seed),
            "data": partial(some, section["n"]),
            "attacked": exhibits,
            "controls": controls,
            "sources": partial(models, "sources", section["sources"]),
            "victims": partial(models, "victims", section["victims"]),
            "all_victims": lambda: every,
            "parents": partial(models, "parents", told["parents"]),
        }  # fmt: skip


def _of_run(snakemake, told, device) -> Iterator[tuple[str, dict[str, Any], Offers]]:
    given, read, network = snakemake.input, _reader(snakemake, device), told["network"]
    networks = [(net, seed) for seed in told["seeds"] for net in told["nets"]]
    yield "run", {}, {
        "seed": lambda: told["seeds"][0],
        "network": lambda: _made(network).to(device),
        "origin": lambda: _origin(network),
        "shape": lambda: tuple(network["shape"]),
        "nets": lambda: _Models(dict(zip(networks, _paths(given, "nets"), strict=True)), read),
        "parents": lambda: _parents(given, told, read),
    }  # fmt: skip


def _parents(given, told, read) -> dict[str, nn.Module]:
    return dict(zip(told["parents"], map(read, _paths(given, "parents")), strict=True))


def _given(value: Any) -> Any:
    return value


def _paths(given, name: str) -> list[str]:
    """The files of an input of a job, none where it has no such input."""
    return list(given.get(name, []))


def _made(network: Mapping[str, Any]) -> nn.Module:
    """A network of any size that a config describes by itself."""
    made = [network[key] for key in ("method", "settings", "shape", "classes")]
    model, spec = weights.create(*made, seed=network["seed"] or 0)
    file = network["weights"]
    own = methods.own_weights(network["method"], network["settings"])
    if file is not None and own is None:
        if network["content"] is not None:
            weights.check_spec(file, spec)
        weights.load_weights(model, file)
    return model


def _origin(network: Mapping[str, Any]) -> str:
    file = network["weights"]
    return f"fresh, of seed {network['seed']}" if file is None else Path(file).name
