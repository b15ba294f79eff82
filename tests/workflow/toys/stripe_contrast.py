"""Toy of a measurement with two tables: the bright rows over the others, and the answers."""

import pandas as pd
import torch

from blindspots.measurements.contract import measurement


@measurement("net", tables=("contrast", "tally"))
def stripe_contrast(model, data, classes, *, unit: float = 1.0):
    rows = data.images.mean(dim=(1, 3))  # (n, 8)
    contrast = (rows.amax(dim=1) - rows.amin(dim=1)) * unit
    with torch.no_grad():
        answers = model(data.images).argmax(dim=1)
    counts = torch.bincount(answers, minlength=classes)[:classes]
    return {
        "contrast": pd.DataFrame({"index": data.rows, "contrast": contrast.double()}),
        "tally": pd.DataFrame({"answer": range(classes), "images": counts}),
    }
