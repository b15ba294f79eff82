"""Train a net, and record its answers to every image of the dataset."""

from pathlib import Path

import torch

from blindspots.config import methods
from blindspots.devices import pick
from blindspots.files import images, tables, weights
from blindspots.interface import InputError, Status
from blindspots.jobs.clean import write_clean
from blindspots.jobs.job import job, own_models, progress, provenance
from blindspots.provenance import digest
from blindspots.randomness import derived_seed
from blindspots.trainers import table
from blindspots.trainers.checkpoint import Checkpoint

HELD = 2**30
"""Bytes of images that a training holds; of more it reads each batch."""


def main(snakemake):
    net, device = snakemake.params.net, pick(snakemake.config["machine"]["device"])
    given = snakemake.input
    data = images.read(given.train, given.split, net["train_on"], device=device).held(HELD)
    # Nets of one shape and run start apart, lest their likeness pass for transfer.
    seed = derived_seed(net["seed"], net["name"])
    files, own = snakemake.input.get("parents", []), own_models(snakemake)
    parents = dict(zip(net["parents"], files, strict=True))
    takes = methods.has_parameter(methods.find("models", net["model"]["method"]), "parents")
    model, spec = weights.create(
        **net["model"],
        draws=net["draws"],
        shape=data.shape,
        classes=data.classes,
        parents=parents if takes else {},  # else they are the trainer's alone
        seed=seed,
        own=own,
    )
    checkpoint = Checkpoint(
        Path(snakemake.output.weights).with_name("checkpoint.pt"),
        digest(dict(snakemake.params), [snakemake.input.train, snakemake.input.split, *files]),
        model.to(device).train(),
        every=snakemake.config["machine"]["checkpoint_seconds"],
    )
    torch.manual_seed(seed)  # what layers such as dropout draw
    train = methods.find("trainers", net["trainer"]["method"])
    settings = net["trainer"]["settings"]
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
        if methods.accepted(train, parents=parents):
            read = (weights.load(file, own=own).to(device) for file in files)
            offered["parents"] = dict(zip(parents, read, strict=True))
        found = train(model, data.stack, data.labels, **(offered | settings))
    rows, status = table.checked(found, net["trainer"]["method"])
    del data  # makes room for the answers
    if status == Status.NON_FINITE:
        raise InputError(
            f"config: nets.{net['name']}.trainer: expected a finite loss, found another at "
            f"iteration {rows[-1]['iteration']}; change its settings {settings}"
        )
    weights.save(snakemake.output.weights, model.eval(), spec)
    history = table.build(net["name"], net["seed"], rows, status)
    tables.write(snakemake.output.history, history, provenance(snakemake))
    write_clean(snakemake, model, device)
    checkpoint.remove()


with job(snakemake):
    main(snakemake)
