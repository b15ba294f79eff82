"""The answers of a net to every image of the dataset, written by the jobs that bring it about."""

import numpy as np
import pyarrow as pa
import torch

from blindspots.files import images, tables
from blindspots.jobs.job import provenance, warn
from blindspots.threat.answers import CLEAN, UNANSWERED, answers
from blindspots.threat.chance import draws_of, repeats_itself, seeded


def write_clean(snakemake, model, device):
    """Show the model the prepared training and test images; write `output.clean`."""
    net, chunk = snakemake.params.net, snakemake.config["machine"]["chunk"]
    found, draws, constant = [], draws_of(model), True
    for file in ("train", "test"):
        first, path = 0, snakemake.input[file]
        said = tables.metadata(tables.schema_of(path))
        classes = said["classes"]
        for data in tables.chunks(path, chunk):
            places = np.arange(first, first + len(data))
            images.check(path, data, places)
            labels = torch.from_numpy(data["label"].to_numpy().astype(np.int64)).to(device)
            shown = torch.from_numpy(tables.images(data)).to(device)
            with seeded(net["seed"], f"clean {net['name']} {said['dataset']} {file} {first}"):
                given = answers(model, shown, labels, classes, chunk)
            constant = constant and draws is not None and repeats_itself(model, shown)
            columns = {
                "net": net["name"],
                "seed": net["seed"],
                "dataset": said["dataset"],
                "file": file,
                "index": places,
                "label": data["label"],
            }
            if given is None:
                columns |= UNANSWERED
            else:
                columns |= given.columns | {"probabilities": given.probabilities}
            found.append(tables.build(columns, CLEAN))
            first += len(data)
    if draws is not None and constant:
        warn(
            f"config: nets.{net['name']}.draws: expected a net that answers by chance, found one "
            "that answers the same each time; leave out draws"
        )
    table = pa.concat_tables(found).combine_chunks()
    tables.write(snakemake.output.clean, table, provenance(snakemake))
