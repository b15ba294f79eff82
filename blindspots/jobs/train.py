"""Train a net as its config says, to weights, a history and checkpoints."""

import inspect
from pathlib import Path

import torch

from blindspots.config import methods, traits
from blindspots.files import attacked, images, tables, weights
from blindspots.interface import InputError, Status
from blindspots.jobs.job import own_models, progress, provenance, resume_key, saying
from blindspots.randomness import derived_seed
from blindspots.trainers import table
from blindspots.trainers.checkpoint import Checkpoint

HELD = 2**30
"""Most bytes of images that a training keeps in memory: its own, attacked and validation images.

Beyond that, each batch is read. A recipe that joins images in memory has them twice: the memory
that rules/train.smk declares has room for that.
"""


def trained(snakemake, device):
    """Train a net, and write its history.

    Returns:
        The model in evaluation mode, its spec, and the `Checkpoint`, which the caller removes once
        all files are written.
    """
    given, net = snakemake.input, snakemake.params.net
    data = images.read(given.train, given.split, net["train_on"], device=device)
    budget = images.Budget(HELD)
    stack = budget.held(data.stack)
    # Nets of the same shape start from different weights: alike nets would inflate transfer.
    seed = derived_seed(net["seed"], net["name"])
    files, own = given.get("parents", []), own_models(snakemake)
    model, spec = created(snakemake, data.shape, data.classes, seed)
    checkpoint = Checkpoint(
        Path(snakemake.output.weights).with_name("checkpoint.pt"),
        training_key(snakemake, device),
        model.to(device).train(),
        every=snakemake.config["machine"]["checkpoint_seconds"],
        steps=net["checkpoints"],
    )
    torch.manual_seed(seed)  # for draws of layers such as dropout
    train, settings = methods.find("trainers", net["trainer"]["method"]), net["trainer"]["settings"]
    with progress(f"train {net['name']}", "iterations") as show:
        offered = methods.accepted(
            train,
            progress=lambda row: show(
                row["iteration"], **{key: row[key] for key in ("loss", "error") if key in row}
            ),
            checkpoint=checkpoint,
            seed=seed,
            classes=data.classes,
            box=data.box,
        )
        if methods.accepted(train, parents=files):
            read = (weights.load(file, own=own).to(device) for file in files)
            offered["parents"] = dict(zip(net["parents"], read, strict=True))
        if net["attacked"]:
            offered["attacked"] = attacked_images(snakemake, device, budget)
        if wants_validation(train, settings):
            kept = images.read(given.train, given.split, "validation", device=device)
            offered["validation"] = (budget.held(kept.stack), kept.labels)
        try:
            found = train(model, stack, data.labels, **(offered | settings))
        except InputError as error:
            raise InputError(f"config: nets.{net['name']}: {error}") from None
    rows, status = table.checked(found, net["trainer"]["method"])
    if status == Status.NON_FINITE:
        raise InputError(
            f"config: nets.{net['name']}.trainer: expected a finite loss or validation, found a "
            f"non-finite one at iteration {rows[-1]['iteration']}; change its settings {settings}"
        )
    if left := sorted({*net["checkpoints"]} - {*checkpoint.weights}):
        raise InputError(
            f"config: nets.{net['name']}.checkpoints: expected steps of at most "
            f"{rows[-1]['iteration']}, where patience ended the training, found {left[0]}; lower it"
        )
    history = table.build(net["name"], net["seed"], rows, status)
    tables.write(snakemake.output.history, history, provenance(snakemake))
    return model.eval(), spec, checkpoint


def training_key(snakemake, device):
    """Return the `resume_key` of a training, without the steps whose weights `Checkpoint` keeps."""
    given = snakemake.input
    net = {name: value for name, value in snakemake.params.net.items() if name != "checkpoints"}
    files = [given.split, *given.get("parents", []), *given.get("attacked", [])]
    shown = images.described(given.train)
    return resume_key(snakemake, device.type, files, net=net, shown=shown)


def created(snakemake, shape, classes, seed):
    """Return the model of a job's net with new weights, and its spec.

    Parents are passed to the model if it has such a parameter, otherwise they are the trainer's.
    """
    net, files = snakemake.params.net, snakemake.input.get("parents", [])
    takes = methods.has_parameter(methods.find("models", net["model"]["method"]), "parents")
    with saying(f"config: nets.{net['name']}"):
        return weights.create(
            **net["model"],
            draws=net["draws"],
            shape=shape,
            classes=classes,
            parents=dict(zip(net["parents"], files, strict=True)) if takes else {},
            seed=seed,
            own=own_models(snakemake),
        )


def attacked_images(snakemake, device, budget):
    """Return the attacked images that a net is trained with, by the trainer's names for them.

    Args:
        snakemake: the job.
        device: device of the tensors.
        budget: the training's budget of bytes.
    """
    net, found = snakemake.params.net, {}
    shape = list(tables.schema_of(snakemake.input.train).field("image").type.shape)
    tabled = zip(net["attacked"].items(), snakemake.input.attacked, strict=True)
    for (name, n), file in tabled:
        there = list(tables.schema_of(file).field("image").type.shape)
        if there != shape:
            raise InputError(
                f"config: nets.{net['name']}.attacked.{name}: expected images of shape {shape}, "
                f"the net's, found {there}; name another experiment"
            )
        rows = attacked.read(file, n, device)
        found[name] = rows._replace(images=budget.held(rows.images))
    return found


def wants_validation(trainer, settings):
    """Return whether a training needs the validation part, by its trainer's own signature."""
    parameters = inspect.signature(trainer).parameters
    return traits.validates({name: p.default for name, p in parameters.items()}, settings)
