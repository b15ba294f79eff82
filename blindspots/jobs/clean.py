"""Write a net's answers to every unaltered image of a dataset, in the job that makes the net."""

from blindspots.files import images, tables
from blindspots.files.parquet import writing
from blindspots.jobs.job import provenance, warn
from blindspots.threat.answers import CLEAN, UNANSWERED, answers
from blindspots.threat.chance import draws_of, repeats_itself, seeded


def write_clean(snakemake, model, device):
    """Show the model all prepared training and test images, and write `output.clean`."""
    net, chunk = snakemake.params.net, snakemake.config["machine"]["chunk"]
    draws, constant = draws_of(model), True
    with writing(snakemake.output.clean, CLEAN, provenance(snakemake)) as append:
        for file in ("train", "test"):
            for part in images.whole(snakemake.input[file], file, device).chunks(chunk):
                purpose = f"clean {net['name']} {part.dataset} {file} {part.rows[0]}"
                with seeded(net["seed"], purpose):
                    given = answers(model, part.images, part.labels, part.classes, chunk)
                constant = constant and draws is not None and repeats_itself(model, part.images)
                columns = {
                    "net": net["name"],
                    "seed": net["seed"],
                    "dataset": part.dataset,
                    "file": file,
                    "index": part.rows,
                    "label": part.labels.cpu().numpy(),
                }
                if given is None:
                    columns |= UNANSWERED
                else:
                    columns |= given.columns | {"probabilities": given.probabilities}
                append(tables.build(columns, CLEAN))
    if draws is not None and constant:
        warn(
            f"config: nets.{net['name']}.draws: expected a stochastic net, found one that answers "
            "the same each time; leave out draws"
        )
