"""The answers of a net to every image of the dataset, written by the jobs that bring it about."""

import numpy as np
import pyarrow as pa
import torch
from _job import provenance

from blindspots import tables
from blindspots.answers import CLEAN, answers


def write_clean(snakemake, model, device):
    """Show the model the prepared training and test images; write `output.clean`."""
    net, chunk = snakemake.params.net, snakemake.config["machine"]["chunk"]
    found = []
    for file in ("train", "test"):
        data = tables.read(snakemake.input[file])
        labels = data["label"].to_numpy().astype(np.int64)
        images = torch.from_numpy(tables.images(data)).to(device)
        classes = tables.metadata(data)["classes"]
        given = answers(model, images, torch.from_numpy(labels).to(device), classes, chunk)
        columns = {
            "net": net["name"],
            "seed": net["seed"],
            "file": file,
            "index": np.arange(len(labels)),
            "label": labels,
            "prediction": None if given is None else given.predictions,
            "margin": None if given is None else given.margins,
        }
        found.append(tables.build(columns, CLEAN))
    tables.write(snakemake.output.clean, pa.concat_tables(found), provenance(snakemake))
