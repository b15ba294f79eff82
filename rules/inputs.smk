# What the jobs of each rule read, by name. These are a rule's inputs and, as `reads` among its params, their
# origins (rules/origins.smk): another net, experiment or dataset is another param, which Snakemake compares.


def read_by_split(wildcards):
    return {"train": images("train"), "test": images("test")}


def read_by_train(wildcards):
    return read_by_split(wildcards) | {
        "split": SPLIT.format(seed=wildcards.seed),
        "parents": parent_weights(wildcards),
    }


def read_by_adopt(wildcards):
    return read_by_split(wildcards) | {"parents": parent_weights(wildcards)}


def read_by_attack(wildcards):
    return {
        "images": images(wildcards.part),
        "split": SPLIT.format(seed=wildcards.seed),
        "weights": WEIGHTS.format(net=wildcards.net, seed=wildcards.seed),
        "parents": parents_of_attack(wildcards),
    }


def of_experiment(wildcards):
    """The images of an experiment, and how each seed splits them."""
    return {
        "images": images(EXPERIMENTS[wildcards.experiment]["part"]),
        "splits": expand(SPLIT, seed=config["seeds"]),
    }


def read_by_transfer(wildcards):
    experiment = EXPERIMENTS[wildcards.experiment]
    return of_experiment(wildcards) | {
        "sources": attacked(experiment),
        "victims": all_weights(experiment["victims"]),
    }


def read_by_gradients(wildcards):
    nets = everyone(EXPERIMENTS[wildcards.experiment])
    return of_experiment(wildcards) | {"nets": all_weights(nets)}


def read_by_looseness(wildcards):
    sources, experiment = bounded_sources(wildcards.experiment), EXPERIMENTS[wildcards.experiment]
    return of_experiment(wildcards) | {
        "nets": all_weights(sources),
        "attacks": attacked(
            experiment | {"sources": sources, "attacks": experiment["attacks"][:1]}
        ),
    }


def read_by_lipschitz(wildcards):
    return read_by_split(wildcards) | {
        "split": SPLIT.format(seed=wildcards.seed),
        "weights": WEIGHTS.format(net=wildcards.net, seed=wildcards.seed),
    }


def read_by_units(wildcards):
    nets = reference_nets(wildcards.units)
    return {
        "images": images(UNITS[wildcards.units]["part"]),
        "train": images("train"),
        "split": SPLIT.format(seed=wildcards.seed),
        "weights": WEIGHTS.format(net=wildcards.net, seed=wildcards.seed),
        "reference": expand(WEIGHTS, net=nets, seed=wildcards.seed),
    }


def all_attacked():
    return list(dict.fromkeys(sum(map(attacked, EXPERIMENTS.values()), [])))


def all_witnesses():
    shown = {"transfer": EXPERIMENTS, "sweep": swept()}
    return [
        f"{RESULTS}/witnesses/{kind}/{experiment}.parquet"
        for kind, experiments in shown.items()
        for experiment in experiments
    ]


def read_by_ledger(wildcards):
    certified = slugs(config["lipschitz"]["nets"])
    return read_by_split(wildcards) | {
        "attacks": [*all_attacked(), *all_witnesses()],
        "certificates": expand(f"{RESULTS}/certificates/{{net}}.parquet", net=certified),
        "clean": expand(f"{RESULTS}/nets/{{net}}/clean.parquet", net=slugs(nets_of_experiments())),
    }


def read_by_audit(wildcards):
    ledger = read_by_ledger(wildcards)
    return read_by_split(wildcards) | {
        "ledger": f"{RESULTS}/ledger.parquet",
        "attacks": all_attacked(),
        "witnesses": all_witnesses(),
        "certificates": ledger["certificates"],
        "weights": all_weights(nets_of_experiments()),
        "clean": ledger["clean"],
        "transfer": expand(f"{RESULTS}/transfer/{{experiment}}.parquet", experiment=EXPERIMENTS),
        "pictures": expand(f"{RESULTS}/pictures/{{experiment}}.parquet", experiment=EXPERIMENTS),
    }


def read_by_table(wildcards):
    return evidence_of(config["tables"][wildcards.table], "analyses")


def read_by_figure(wildcards):
    return evidence_of(config["figures"][wildcards.figure], "figures")


def read_by_report(wildcards):
    first = slugs(nets_of_experiments(), config["seeds"][:1])
    return {
        "tables": expand(f"{RESULTS}/tables/{{table}}.parquet", table=config["tables"]),
        "figures": expand(f"{RESULTS}/figures/{{figure}}.svg", figure=config["figures"]),
        "splits": expand(SPLIT, seed=config["seeds"]),
        "audit": [f"{RESULTS}/audit.parquet"] if EXPERIMENTS else [],
        "pictures": expand(f"{RESULTS}/pictures/{{experiment}}.parquet", experiment=EXPERIMENTS),
        "transfer": expand(f"{RESULTS}/transfer/{{experiment}}.parquet", experiment=EXPERIMENTS),
        "clean": expand(f"{RESULTS}/nets/{{net}}/clean.parquet", net=first),
    }
