"""Call a measurement with the arguments that its parameters name, and write its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any

from torch import nn

from blindspots.config import methods, traits
from blindspots.devices import pick
from blindspots.files import images, weights
from blindspots.jobs.job import own_models, progress, provenance, saying
from blindspots.jobs.outputs import Outputs
from blindspots.measurements.exhibits import attacked, control, in_memory
from blindspots.randomness import derived_seed
from blindspots.threat.chance import seeded

HELD = 2**28
"""Most bytes of originals, of attacked images and of controls that a job keeps in memory. Further
images are read, or made, each time that they are shown."""

Offers = dict[str, Callable[[], Any]]
"""Functions that make the arguments, by parameter; called only for parameters that exist."""


def measure(snakemake) -> None:
    """Write the tables of one measurement of a net, an experiment or the run."""
    told = snakemake.params.measurement
    device = pick(snakemake.config["machine"]["device"] if told["gpu"] else "cpu")
    subjects = {"net": _of_net, "experiment": _of_experiment, "run": _of_run}
    with ExitStack() as files:
        outputs = Outputs(
            files, snakemake.output, told["gives"], provenance(snakemake), _where(told)
        )
        for name, keys, offers in subjects[told["subject"]](snakemake, told, device):
            _call(snakemake, told, name, keys, offers, outputs)
        outputs.end()


def _where(told: Mapping[str, Any]) -> str:
    return f"measurements.{told['entry']}"


def _call(
    snakemake, told: Mapping[str, Any], name: str, keys: Mapping[str, Any], offers: Offers,
    outputs: Outputs,
) -> None:  # fmt: skip
    """Call a measurement once, and take what it returns."""
    function = methods.find("measurements", told["method"])
    with progress(f"{told['entry']}, {name}", "steps") as show:
        offers = offers | {
            "entry": lambda: told["entry"],
            "chunk": lambda: snakemake.config["machine"]["chunk"],
            "progress": lambda: show,
        }
        with saying(_where(told)):
            asked = {wanted: offers[wanted]() for wanted in told["wants"]}
        with seeded(offers["seed"](), f"{_where(told)} {name}"):
            with saying(_where(told)):
                result = function(**asked, **told["settings"])
            outputs.add(result, keys)


class _Models(Mapping):
    """Models by name, read at each access and not kept."""

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

    def some(prepared: str, part: str, n: int | None) -> images.Images:
        return images.read(prepared, given.split, part, n, device).held(HELD)

    def fresh() -> nn.Module:
        new = derived_seed(seed, f"untrained/{net}")
        made = weights.untrained(given.weights, seed=new, own=own_models(snakemake))
        return made.to(device)

    yield f"{net}.s{seed}", {"net": net, "seed": seed}, {
        "net": lambda: net,
        "seed": lambda: seed,
        "model": lambda: read(given.weights),
        "fresh": lambda: fresh,
        "data": lambda: some(given.images, part, n),
        "train": lambda: lambda n: some(given.train, "train", n),
        "shape": lambda: tuple(weights.spec_of(given.weights)["shape"]),
        "classes": lambda: weights.spec_of(given.weights)["classes"],
        "parents": lambda: _parents(given, told, read),
    }  # fmt: skip


def _of_experiment(snakemake, told, device) -> Iterator[tuple[str, dict[str, Any], Offers]]:
    """Yield the arguments of one call per seed; the files of each input are in order of seeds."""
    given = snakemake.input
    parts = zip(told["seeds"], given.images, given.splits, strict=True)
    for at, (seed, prepared, split) in enumerate(parts):
        yield _of_seed(snakemake, told, device, at, seed, prepared, split)


def _of_seed(
    snakemake, told, device, at: int, seed: int, prepared: str, split: str
) -> tuple[str, dict[str, Any], Offers]:
    """Return the arguments of the call for an experiment's seed, whose number in order is `at`."""
    given, section, name = snakemake.input, told["experiment"], snakemake.wildcards.experiment
    read = _reader(snakemake, device)
    networks = [(victim, seed) for seed in told["seeds"] for victim in section["victims"]]

    def these(input, names):
        return dict(zip(names, _paths(given, input)[at * len(names) :], strict=False))

    def train(n):
        return images.read(given.train[at], split, "train", n, device).held(HELD)

    def models(input, names):
        return {net: read(file) for net, file in these(input, names).items()}

    def some(n):
        return images.read(prepared, split, section["part"], n, device).held(HELD)

    def exhibits():
        data = some(section["n"])
        files = these("attacks", [*product(section["attacks"], section["sources"])]).values()
        found = (one for file in files for one in attacked(file, data, [], clip=True))
        return list(in_memory(found, HELD))

    def controls():
        data = some(section["controls_n"])
        found = (
            control(method, of["method"], of["settings"], data, seed)
            for method, of in told["controls"].items()
        )
        return list(in_memory(found, HELD))

    return f"{name}, seed {seed}", {"experiment": name, "seed": seed}, {
        "experiment": lambda: name,
        "seed": lambda: seed,
        "data": lambda: some(section["n"]),
        "train": lambda: train,
        "attacked": exhibits,
        "controls": controls,
        "sources": lambda: models("sources", section["sources"]),
        "victims": lambda: models("victims", section["victims"]),
        "all_victims": lambda: _Models(
            dict(zip(networks, _paths(given, "victims"), strict=False)), read
        ),
        "parents": lambda: models("parents", told["parents"]),
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


def _paths(given, name: str) -> list[str]:
    """Return the files of a job's input; empty if it has no such input."""
    return list(given.get(name, []))


def _made(network: Mapping[str, Any]) -> nn.Module:
    """Return the network that a measurement's own `model` and `weights` in the config describe."""
    made = [network[key] for key in ("method", "settings", "shape", "classes")]
    model, spec = weights.create(*made, seed=network["seed"] or 0)
    file = network["weights"]
    own = traits.own_weights(network["method"], network["settings"])
    if file is not None and own is None:
        if network["content"] is not None:
            weights.check_spec(file, spec)
        weights.load_weights(model, file)
    return model


def _origin(network: Mapping[str, Any]) -> str:
    file = network["weights"]
    return f"fresh, of seed {network['seed']}" if file is None else Path(file).name
