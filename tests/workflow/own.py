"""Methods as a user may write them, each of which reads a file."""

from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import nn

from blindspots.analyses._summary import cells, over_seeds
from blindspots.attacks import gaussian
from blindspots.interface import CertificateResult, Status


def number(file):
    return float(Path(file).read_text("utf-8"))


def net(shape, classes, *, file):
    linear = nn.Linear(shape[0] * shape[1] * shape[2], classes)
    nn.init.constant_(linear.weight, number(file))
    return nn.Sequential(nn.Flatten(), linear)


def noise(model: None, images, labels, targets=None, *, file, seed=0, rows=None):
    return gaussian(model, images, labels, std=number(file), seed=seed, rows=rows)


def tiny(model, images, labels, *, file):
    radius = torch.full((len(images),), 1e-9 * number(file), dtype=torch.float64)
    return CertificateResult(radius, torch.full_like(labels, Status.CONVERGED))


def scaled(attacks, *, labels, file, note=""):
    found = attacks.rename(columns={"net": "row"}).groupby(["row", "seed"])["forwards"]
    values = (found.agg("mean") * number(file)).rename("value").reset_index()
    values = values.assign(column="made", unit="", n=1)
    return cells(over_seeds(values, ["row", "column", "unit"]), labels, paper=None)


def line(attacks, *, labels, file):
    figure = Figure(figsize=(2, 2))
    figure.subplots().plot([0, number(file)])
    return figure
