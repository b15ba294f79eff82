# The workflow: split data → train nets → attack each → show every attacked image to every net →
# certify, measure → tables, figures, ledger, report. Rules have the paths and resources,
# blindspots/ the computations, and the config says what to compute.

from snakemake.utils import min_version

min_version("9.19")

if not workflow.overwrite_configfiles:

    configfile: f"{workflow.basedir}/config.yaml"


include: "rules/checked.smk"
include: "rules/common.smk"
include: "rules/params/nets.smk"
include: "rules/params/attacks.smk"
include: "rules/params/measurements.smk"
include: "rules/params/summaries.smk"
include: "rules/inputs.smk"
include: "rules/origins.smk"
include: "rules/warm.smk"
include: "rules/data.smk"
include: "rules/train.smk"
include: "rules/attack.smk"
include: "rules/certify.smk"
include: "rules/measure.smk"
include: "rules/report.smk"


report: f"{workflow.basedir}/reports/workflow.rst"


onstart:
    start_warm()


# Repeat the failures below Snakemake's output.
onerror:
    for line in what_went_wrong():
        print(line, file=sys.stderr)


onsuccess:
    for line in what_was_done():
        print(line, file=sys.stderr)


rule all:
    default_target: True
    input:
        f"{RESULTS}/report.html",
        [f"{RESULTS}/ledger.parquet"] if EXPERIMENTS else [],
        measured("transfer", EXPERIMENTS),
        expectations(nodes_of(NETS)),
        [
            f"{folder}/{declared(MEASURED[name]).given[0]}.parquet"
            for name in NAMED
            for folder in subjects(name)
        ],
    localrule: True
