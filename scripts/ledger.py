"""Join the best upper and lower bound for every net and image."""

from blindspots.certificates import table as certificates
from blindspots.files import tables
from blindspots.files.parquet import writing
from blindspots.files.parts import Parts
from blindspots.jobs.expect import flags
from blindspots.jobs.job import job, provenance
from blindspots.jobs.ledger import READ, SCHEMA, build
from blindspots.jobs.lower_bounds import Prepared


def main(snakemake):
    given = snakemake.input
    images = [(of["dataset"], of["seed"], of["file"]) for of in snakemake.params.images]
    prepared = dict(zip(images, map(Prepared, given.images), strict=True))
    flagged = flags(given.get("expected", []), snakemake.params.made_from)
    files = {name: Parts(given.get(name, []), certificates.SCHEMA) for name in READ}
    nets = {net for of in ("attacks", "certificates") for net in files[of].distinct(["net"])["net"]}
    finders = {name: of.finder("net", READ[name]) for name, of in files.items()}
    with writing(snakemake.output[0], SCHEMA, provenance(snakemake)) as append:
        for net in sorted(nets):
            rows = {name: of_nets([net]) for name, of_nets in finders.items()}
            append(tables.from_frame(build(**rows, prepared=prepared, flags=flagged), SCHEMA))


with job(snakemake):
    main(snakemake)
