"""Take over a net that is not trained, and record its answers to every image of the dataset."""

from blindspots.devices import pick
from blindspots.files import tables, weights
from blindspots.jobs.adopt import adopted
from blindspots.jobs.clean import write_clean
from blindspots.jobs.job import job


def main(snakemake):
    device = pick(snakemake.config["machine"]["device"])
    train = tables.schema_of(snakemake.input.train)
    shape, classes = train.field("image").type.shape, tables.metadata(train)["classes"]
    model, spec = adopted(snakemake, shape, classes)
    weights.save(snakemake.output.weights, model, spec)
    write_clean(snakemake, model.to(device), device)


with job(snakemake):
    main(snakemake)
