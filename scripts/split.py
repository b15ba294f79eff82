"""Cut the dataset into P1, P2, the rest, validation and test."""

from _job import job, provenance

from blindspots import splits, tables


def main(snakemake):
    train, test = (
        tables.read(snakemake.input[part], ["label", "sha256"]) for part in ("train", "test")
    )
    seed = int(snakemake.wildcards.seed)
    index, counts = splits.split(train, test, **snakemake.params.sizes, seed=seed)
    print(counts)
    metadata = provenance(snakemake) | {"images": counts}
    tables.write(snakemake.output[0], index, metadata)


with job(snakemake):
    main(snakemake)
