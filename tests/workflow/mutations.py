"""A change of every key that a config may have, in small configs that together use all keys."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml
from PIL import Image

BASES = Path(__file__).with_name("bases")


class Mutation(NamedTuple):
    """A change of a config.

    Attributes:
        key: key of the schema, with * for a name or a position.
        base: name of the config to change, a file in bases/.
        where: path of the value in the config.
        value: new value; `GONE` removes the key.
    """

    key: str
    base: str
    where: tuple[str | int, ...]
    value: Any

    def applied(self, config):
        """Change a config in place."""
        *way, last = self.where
        for step in way:
            config = config[step]
        if self.value is GONE:
            del config[last]
        else:
            config[last] = self.value


GONE = object()


def files(folder):
    """Write the files that the configs read: arrays, image folders, weights; the same each time."""
    rng = np.random.default_rng(0)
    for name, brightness in (("data", 40), ("other", 60)):
        arrays = {}
        for part, n in (("train", 90), ("test", 30)):
            labels = np.arange(n) % 3
            pixels = brightness * labels[:, None, None] + rng.integers(0, 90, (n, 4, 4))
            arrays |= {f"x_{part}": pixels.astype(np.uint8), f"y_{part}": labels}
        np.savez(folder / f"{name}.npz", **arrays)
    for root, shade in (("pictures", 30), ("photographs", 50)):
        for number in range(30):
            path = folder / root / "abc"[number % 3] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = shade * (number % 3) + rng.integers(0, 90, (6, 6))
            Image.fromarray(pixels.astype(np.uint8)).save(path)
    for name in ("w1", "w2"):
        weights = torch.from_numpy(rng.normal(size=(3, 16))).float()
        torch.save({"1.weight": weights, "1.bias": torch.zeros(3)}, folder / f"{name}.pth")
    np.save(folder / "mask.npy", np.arange(16).reshape(1, 4, 4) % 3 > 0)
    (folder / "parented.py").write_text(PARENTED, "utf-8")
    for name, figure in (("printed", 10), ("reprinted", 20)):
        of = {"first": {"test": figure}, "second": {"linear": figure, "distortion": 0.1}}
        tables = {
            table: {"columns": [*row], "rows": {"linear": [*row.values()]}}
            for table, row in of.items()
        }
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(tables), "utf-8")
    (folder / "claims.yaml").write_text(CLAIMS, "utf-8")


def _many(base, way, prefix, values):
    """Return a mutation for each value; "x.*" stands for all settings of methods."""
    keys = {
        name: prefix if prefix.endswith("instance.*") else f"{prefix}.{name}" for name in values
    }
    return [Mutation(keys[name], base, (*way, name), value) for name, value in values.items()]


CLAIMS = """
paper: Somebody 1999
runs: {tiny: [my.yaml]}
claims:
  - {claim: It errs, where: Table 1, source: read, run: tiny, at_most: 20, date: "2026-11-21",
     cells: {table: errors, rows: linear, columns: test}, fixed: before a pilot}
"""
"""A paper's file whose one run is that of the configs."""

PARENTED = """
import torch
from torch.nn.functional import cross_entropy
from blindspots.attacks.closest import closest
from blindspots.trainers.loop import looped
from blindspots.trainers.recipe import Recipe

def near_both(model, images, labels, targets, *, parents):
    mine, theirs = (closest(net, images, labels, targets).images for net in (model, parents["b"]))
    return (mine + theirs) / 2

@looped
def on_attacked(model, images, labels, *, attacked):
    images = torch.cat([images, *(each.images for each in attacked.values())])
    labels = torch.cat([labels, *(each.labels for each in attacked.values())])
    return Recipe(lambda x, y, step: cross_entropy(model(x), y), images=images, labels=labels)
"""
"""A user's attack with a second model, and a trainer that takes attacked images."""

NET, ONE, ALL = ("nets", "linear"), ("experiments", "one"), ("measurements", "all")

MUTATIONS = [
    Mutation("run", "attacks", ("run",), "another"),
    Mutation("seeds", "attacks", ("seeds",), [0, 1]),
    Mutation("seeds", "attacks", ("seeds",), [1]),
    Mutation("data", "pictures", ("data",), {"method": "npz", "file": "data.npz"}),
    Mutation("data.method", "pictures", ("data",), {"method": "digits", "name": "mine"}),
    Mutation("data.*", "attacks", ("data", "file"), "other.npz"),
    *_many("pictures", ("data",), "data",
           {"name": "yours", "root": "photographs"}),
    Mutation("data.*", "pictures", ("data", "size"), 4),
    Mutation("data.*", "pictures", ("data", "test_share"), 0.3),
    # datasets by name
    Mutation("datasets", "datasets", ("datasets", "chance"),
             {"method": "tests.workflow.makers:relabelled", "data": "plain"}),
    Mutation("datasets.*.method", "datasets", ("datasets", "beside"),
             {"method": "npz", "file": "other.npz"}),
    Mutation("datasets.*.method", "datasets", ("datasets", "aimed"),
             {"method": "tests.workflow.makers:relabelled", "data": "plain"}),
    *_many("datasets", ("datasets", "aimed"), "datasets.*",
           {"data": "beside", "parents": {"net": "third"}}),
    Mutation("datasets.*.root", "datasets", ("datasets", "beside", "root"), "photographs"),
    Mutation("data.*", "datasets", ("datasets", "aimed", "step"), 0.1),
    Mutation("nets.*.data", "datasets", ("nets", "second", "data"), "plain"),
    Mutation("experiments.*.data", "datasets", ("experiments", "one", "data"), "aimed"),
    Mutation("measurement.data", "datasets", ("measurements", "few", "data"), "aimed"),
    *_many("attacks", ("splits",), "splits", {"validation": 9, "p1": 0.4, "p2": 20}),
    Mutation("splits", "attacks", ("splits",), {"validation": 3, "p1": 0.3, "p2": 0.3}),
    Mutation("splits.parts", "trainings", ("splits", "parts", "early"), [0.1, 0.6]),
    # short forms
    Mutation("defaults", "attacks", ("defaults",), {"train_on": "P1"}),
    Mutation("defaults.model", "trainings", ("defaults",), {"model": {"activation": "tanh"}}),
    Mutation("defaults.trainer", "attacks", ("defaults",), {"trainer": {"decay_factor": 2}}),
    Mutation("defaults.train_on", "attacks", ("defaults",), {"train_on": ["P1", "P2"]}),
    Mutation("choices", "attacks", ("choices", "questions", "decay", "twice", "nets"),
             {"coded": {"trainer": {"decay_factor": 3}}}),
    Mutation("reading", "attacks", ("reading", "decay"), "as_is"),
    Mutation("under", "pictures", ("under",), GONE),
    *_many("pictures", ("under",), "under", {"name": "theirs", "answers": {"distance": "target"}}),
    Mutation("groups", "attacks", ("groups",), {"few": ["lin*"]}),
    Mutation("report", "attacks", ("report",), ["bounds"]),
    # nets
    Mutation("nets", "attacks", ("nets", "coder"), {
        "model": {"method": "autoencoder", "hidden": 5}, "train_on": "P1",
        "trainer": {"method": "sparse_autoencoder", "max_iterations": 3}}),
    Mutation("nets.*.label", "attacks", (*NET, "label"), "Straight"),
    Mutation("nets.*.stands_for", "attacks", ("nets", "coded", "stands_for"), "linear"),
    Mutation("nets.*.model", "attacks", (*NET, "model"), {"method": "mlp", "hidden": [3]}),
    Mutation("nets.*.parents", "attacks", ("nets", "coded", "parents"), {"encoder": "other"}),
    Mutation("nets.*.trainer", "attacks", (*NET, "trainer"),
             {"method": "sgd", "epochs": 1, "batch": 8}),
    Mutation("instance.method", "attacks", (*NET, "trainer"), {"method": "sgd", "epochs": 2}),
    Mutation("nets.*.train_on", "attacks", (*NET, "train_on"), "P2"),
    Mutation("nets.*.attacked", "trainings", ("nets", "warned", "attacked"),
             {"near": {"experiment": "both", "net": "pools"}, "far": {
                 "experiment": "other", "attack": "again", "net": "sgd"}}),
    *_many("trainings", ("nets", "warned", "attacked", "near"), "nets.*.attacked.*",
           {"experiment": "both", "attack": "again", "net": "sgd"}),
    Mutation("nets.*.checkpoints", "trainings", ("nets", "sgd", "checkpoints"), [3, 1]),
    Mutation("nets.*.draws", "trainings", ("nets", "sgd", "draws"), 2),
    Mutation("nets.*.expect", "attacks", ("nets", "given", "expect"), GONE),
    *_many("attacks", ("nets", "given", "expect"), "nets.*.expect",
           {"error": 49, "part": "P1", "tolerance": 0, "required": True}),
    Mutation("nets.*.weights", "attacks", ("nets", "given", "weights"), "w2.pth"),
    *_many("attacks", (*NET, "trainer"), "instance.*",
           {"decay": 1e-2, "max_iterations": 6, "tolerance": 0.1, "history": 1,
            "norm_penalty": 0.1, "decay_factor": 5, "decay_per": "none", "decay_biases": True,
            "chunk": 7}),
    *_many("attacks", (*NET, "model"), "instance.*", {"bias": False}),
    *_many("attacks", ("nets", "coded", "model"), "instance.*", {"bias": False}),
    *_many("attacks", ("nets", "coder", "trainer"), "instance.*",
           {"sparsity": 0.4, "sparsity_weight": 3}),
    *_many("attacks", ("nets", "other", "model"), "instance.*", {"hidden": 2}),
    *_many("attacks", ("nets", "coder", "model"), "instance.*", {"hidden": 2}),
    *_many("trainings", ("nets", "pools", "model"), "instance.*",
           {"activation": "tanh", "hidden": [4]}),
    *_many("trainings", ("nets", "pools", "trainer"), "instance.*",
           {"epochs": 3, "batch": 6, "learning_rate": 0.05, "layers": [1, 0], "kind": "noise",
            "strength": [0.1, 0.02], "factor": 1.3, "turns": [2, 1], "pool": 6, "refresh": 0.3,
            "refresh_every": 1, "mix": 0.3, "train_below": False, "begin": 0, "steps": 3,
            "dropout_input": 0.2, "dropout_hidden": 0.3, "max_norm": 0.5}),
    *_many("trainings", ("nets", "sgd", "trainer"), "instance.*",
           {"momentum": 0.5, "patience": 1, "schedule": "constant"}),
    # attacks and certificates
    Mutation("attacks", "attacks", ("attacks", "noise"), {"method": "identity"}),
    *_many("attacks", ("attacks", "lbfgs"), "instance.*",
           {"max_iterations": 4, "history": 2, "initial_penalty": 0.3,
            "penalty_factor": 4, "penalty_precision": 1.5, "max_searches": 2}),
    *_many("attacks", ("attacks", "near"), "instance.*",
           {"steps": 3, "rounds": 0, "bisections": 0, "restarts": 2}),
    Mutation("attack.target", "attacks", ("attacks", "lbfgs", "target"), "next"),
    Mutation("attack.target", "attacks", ("attacks", "near", "target"), 1),
    Mutation("attack.stands_for", "attacks", ("attacks", "noise", "stands_for"), "sphere"),
    Mutation("attack.mask", "attacks", ("attacks", "near", "mask"), "mask.npy"),
    Mutation("attack.parents", "attacks", ("attacks", "near"),
             {"method": "parented:near_both", "target": "any", "parents": {"b": "coded"}}),
    Mutation("attack.method", "attacks", ("attacks", "near"),
             {"method": "lbfgs", "max_iterations": 3}),
    *_many("attacks", ("attacks", "noise"), "instance.*",
           {"std": 0.4, "clip": False}),
    Mutation("instance.*", "attacks", ("attacks", "sphere", "distortion"), 0.1),
    Mutation("attack.method", "attacks", ("attacks", "noise"),
             {"method": "gaussian", "distortion": 0.1}),
    Mutation("certificates", "attacks", ("certificates", "local"), GONE),
    *_many("attacks", ("certificates", "product"), "instance.*",
           {"bound": "eclipse"}),
    *_many("attacks", ("certificates", "product"), "certificate",
           {"nets": ["linear"], "n": 3, "required": True}),
    *_many("attacks", ("certificates", "local"), "certificate", {"nets": ["coded"], "n": None}),
    Mutation("certificate.method", "attacks", ("certificates", "product"), {"method": "regions"}),
    # measurements
    *_many("attacks", ("measurements", "layers"), "measurement", {"nets": ["linear", "given"]}),
    Mutation("instance.*", "attacks", ("measurements", "layers", "required"), False),
    *_many("attacks", ("measurements", "looseness"), "measurement",
           {"experiments": ["one", "two"]}),
    Mutation("instance.*", "attacks", ("measurements", "looseness", "bounds"),
             ["product", "eclipse"]),
    Mutation("measurements", "units", ("measurements", "narrow"), GONE),
    Mutation("measurement.method", "units", ("measurements", "few"), {"method": "layers"}),
    *_many("units", ("measurements", "wide"), "measurement",
           {"model": {"method": "mlp", "hidden": [6]}, "shape": [1, 3, 3], "classes": 4}),
    Mutation("measurement.weights", "units", ("measurements", "wide"), {
        "method": "operators", "model": {"method": "mlp", "hidden": []}, "shape": [1, 4, 4],
        "classes": 3, "weights": "w1.pth"}),
    # experiments
    Mutation("experiments", "attacks", ("experiments", "two", "n"), 5),
    *_many("attacks", ONE, "experiments.*",
           {"attack": "near", "part": "P1", "n": 5, "sources": ["linear"],
            "victims": ["linear", "coded", "given"], "controls": ["noise"], "controls_n": 4,
            "distortions": [0.05, 0.2], "across_seeds": True, "noise_draws": 3, "amplify": [0.2],
            "amplify_by": "all", "clip": False}),
    Mutation("experiments.*.attacks", "attacks", ("experiments", "two"), {
        "attacks": ["lbfgs"], "part": "test", "n": 6, "sources": ["linear"],
        "victims": ["linear", "coded"], "under": "decay: as_is"}),
    Mutation("experiments.*.reading", "attacks", ("experiments", "two", "reading"),
             {"decay": "as_is"}),
    Mutation("experiments.*.under", "attacks", ("experiments", "two", "under"), "decay: less"),
    Mutation("experiments.*.sources", "attacks", (*ONE, "sources"), ["coded", "linear"]),
    Mutation("experiments.*.nets", "attacks", ("experiments", "two"), {
        "attack": "near", "n": 6, "nets": "*ed", "under": "decay: as_is"}),
    *_many("attacks", ONE, "experiments.*", {"report": "bounds", "title": "all"}),
    Mutation("measurements", "units", ("measurements", "few"), GONE),
    *_many("units", ALL, "measurement",
           {"nets": ["third"], "part": "validation", "n": 20, "parents": {"reference": "third"}}),
    *_many("units", ALL, "instance.*",
           {"layers": "all", "k": 4, "directions": 3, "arms": ["random"],
            "scalings": ["raw", "matched"], "pool": "max", "rotations": 4, "projected_n": 12,
            "probe_n": 24, "untrained": True, "reference_layer": "1"}),
    Mutation("summary.*", "units", ("tables", "units", "margins"), {"purity": 0.5}),
    *_many("units", ("tables", "units", "margins"), "instance.*",
           {"purity": 0.4, "entropy": 3, "auc": 0.6, "information": 2, "pixels": 0.9,
            "features": 0.9, "kurtosis": 9, "accuracy": 90}),
    # tables and figures
    Mutation("tables", "attacks", ("tables", "radius"), GONE),
    Mutation("figures", "attacks", ("figures", "curves"), GONE),
    Mutation("summary.method", "attacks", ("tables", "transfer", "method"), "alignment"),
    Mutation("summary.experiment", "attacks", ("tables", "transfer", "experiment"), "two"),
    Mutation("summary.experiment", "attacks", ("figures", "distortions", "experiment"), "one"),
    Mutation("summary.more_experiments", "attacks", ("tables", "readings"), {
        "method": "multiverse", "experiment": "two", "images": 8, "shows": {"second": ["t*"]}}),
    Mutation("summary.measurement", "units", ("tables", "norms", "measurement"), "narrow"),
    Mutation("summary.measurement", "units", ("tables", "units", "measurement"), "few"),
    Mutation("summary.title", "attacks", ("tables", "transfer", "title"), "Whom who fools"),
    Mutation("summary.title", "attacks", ("figures", "curves", "title"), "Farther"),
    Mutation("summary.*", "attacks", ("tables", "errors", "parts"), ["test", "P2"]),
    Mutation("summary.paper", "attacks", ("tables", "transfer", "paper"), "second"),
    Mutation("summary.paper", "attacks", ("tables", "errors", "paper"), GONE),
    Mutation("printed", "attacks", ("printed",), "reprinted.yaml"),
    Mutation("claims", "attacks", ("claims",), "claims.yaml"),
    Mutation("claims", "attacks", ("claims",), GONE),
    Mutation("claims", "attacks", ("claims", 0, "at_least"), 99),
    Mutation("summary.*", "attacks", ("tables", "readings", "images"), 100),
    Mutation("summary.*", "attacks", ("tables", "readings", "show"), "cells"),
    Mutation("summary.*", "trainings", ("tables", "contrasts", "against"), ["pools"]),
    Mutation("summary.*", "trainings", ("figures", "learning", "axis"), "seconds"),
    Mutation("summary.*", "attacks", ("figures", "examples", "rows"), 1),
    Mutation("summary.*", "attacks", ("figures", "examples", "pairs"), 2),
    Mutation("summary.*", "attacks", ("figures", "examples", "panels"),
             [{"source": "coded", "victim": "given"}]),
    Mutation("summary.*", "attacks", ("figures", "examples", "panels", 0, "victim"), "given"),
    Mutation("summary.*", "attacks", ("figures", "examples", "panels", 0, "source"), "coded"),
    Mutation("summary.*", "attacks", ("figures", "examples", "panels", 1, "control"), "sphere"),
    # how to compute, not what
    Mutation("machine", "attacks", ("machine",), {"device": "cpu", "threads": 1, "chunk": 4}),
    *_many("attacks", ("machine",), "machine",
           {"device": "auto", "threads": 2, "chunk": 4, "shards": 2, "checkpoint_seconds": 5}),
]  # fmt: skip


DEFINED = ("instance", "attack", "certificate", "measurement", "summary")
"""Definitions that the schema uses in many places; each is walked once."""


def keys(schema):
    """Return the keys of the config's schema in the form of `Mutation.key`."""
    found = set()

    def walk(place, key):
        if "$ref" in place:
            name = place["$ref"].rpartition("/")[2]
            if name in DEFINED:
                return  # walked once, by itself
            walk(schema["$defs"][name], key)
        for name, inside in place.get("properties", {}).items():
            found.add(f"{key}.{name}".lstrip("."))
            walk(inside, f"{key}.{name}".lstrip("."))
        if isinstance(place.get("additionalProperties"), dict) and place.get("propertyNames"):
            walk(place["additionalProperties"], f"{key}.*")

    walk(schema, "")
    for name in DEFINED:
        walk(schema["$defs"][name], name)
    return found | {"data.*", "instance.*", "summary.*"}
