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
    }


def of_experiment(wildcards):
    """The images of an experiment, and how each seed splits them."""
    return {
        "images": images(EXPERIMENTS[wildcards.experiment]["part"]),
        "splits": expand(SPLIT, seed=config["seeds"]),
    }


def read_by_certify(wildcards):
    return read_by_split(wildcards) | {
        "split": SPLIT.format(seed=wildcards.seed),
        "weights": WEIGHTS.format(net=wildcards.net, seed=wildcards.seed),
    }


def read_by_measure(entry):
    """What the jobs of a measurement read: the files behind the parameters that it has."""
    wanted, section = {*asked(MEASURED[entry])}, MEASURED[entry]
    parents = list(section["parents"].values())

    def of_net(wildcards):
        split, weights = SPLIT.format(seed=wildcards.seed), WEIGHTS.format(
            net=wildcards.net, seed=wildcards.seed
        )
        files = {"weights": weights}
        if "data" in wanted:
            files |= {"images": images(section["part"]), "split": split}
        if "train" in wanted:
            files |= {"train": images("train"), "split": split}
        return files | {"parents": expand(WEIGHTS, net=parents, seed=wildcards.seed)}

    def of_an_experiment(wildcards):
        experiment = EXPERIMENTS[wildcards.experiment]
        files = of_experiment(wildcards) | {"parents": all_weights(parents)}
        if "attacked" in wanted:
            files["attacks"] = attacked(experiment)
        if "sources" in wanted:
            files["sources"] = all_weights(experiment["sources"])
        if wanted & {"victims", "all_victims"}:
            files["victims"] = all_weights(experiment["victims"])
        return files

    def of_run(wildcards):
        nets = all_weights(section["nets"]) if "nets" in wanted else []
        return {"nets": nets, "parents": expand(WEIGHTS, net=parents, seed=config["seeds"][0])}

    of = {"net": of_net, "experiment": of_an_experiment, "run": of_run}
    return of[declared(section).subject]


def all_attacked():
    return list(dict.fromkeys(sum(map(attacked, EXPERIMENTS.values()), [])))


def read_by_ledger(wildcards):
    certified = [
        f"{RESULTS}/certificates/{name}/{net}.parquet"
        for name, certificate in config["certificates"].items()
        for net in slugs(certificate["nets"])
    ]
    return {
        "attacks": [*all_attacked(), *measured("witnesses")],
        "certificates": certified,
        "clean": expand(f"{RESULTS}/nets/{{net}}/clean.parquet", net=slugs(nets_of_experiments())),
    }


def read_by_audit(wildcards):
    ledger = read_by_ledger(wildcards)
    return read_by_split(wildcards) | {
        "ledger": f"{RESULTS}/ledger.parquet",
        "attacks": all_attacked(),
        "witnesses": measured("witnesses"),
        "certificates": ledger["certificates"],
        "weights": all_weights(nets_of_experiments()),
        "clean": ledger["clean"],
        "transfer": measured("transfer", EXPERIMENTS),
        "pictures": measured("pictures", EXPERIMENTS),
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
        "pictures": measured("pictures", EXPERIMENTS),
        "transfer": measured("transfer", EXPERIMENTS),
        "clean": expand(f"{RESULTS}/nets/{{net}}/clean.parquet", net=first),
    }
