"""Take over a net whose weights are given, and record its answers to every image of the dataset."""

from blindspots.config import methods
from blindspots.devices import pick
from blindspots.files import tables, weights
from blindspots.jobs.clean import write_clean
from blindspots.jobs.job import job, own_models


def main(snakemake):
    net, device = snakemake.params.net, pick(snakemake.config["machine"]["device"])
    train = tables.schema_of(snakemake.input.train)
    model, spec = weights.create(
        **net["model"],
        draws=net["draws"],
        shape=train.field("image").type.shape,
        classes=tables.metadata(train)["classes"],
        parents=dict(zip(net["parents"], snakemake.input.get("parents", []), strict=True)),
        own=own_models(snakemake),
    )
    if methods.own_weights(**net["model"]) is None:
        weights.check_spec(net["weights"], spec)
        weights.load_weights(model, net["weights"])
    weights.save(snakemake.output.weights, model, spec)
    write_clean(snakemake, model.to(device), device)


with job(snakemake):
    main(snakemake)
