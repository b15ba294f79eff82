# Inputs of each rule's jobs, by name. A rule has the files as inputs and their origins (rules/origins.smk) as the param
# `reads`: another net, experiment or dataset changes the param, which Snakemake compares.


def prepared(dataset, seed):
    """Return the prepared files of a dataset's training and test images."""
    return {part: images(dataset, part, seed) for part in ("train", "test")}


def split_of(dataset, seed):
    return SPLIT.format(dataset=dataset, seed=seed)


def weights_of(net, seed):
    return WEIGHTS.format(net=net, seed=seed)


def read_by_split(wildcards):
    """Return the dataset's images, and those of other datasets whose nets see them: shapes must agree."""
    others = [images(each, "test", None) for each in shown_beside(wildcards.dataset)]
    return prepared(wildcards.dataset, wildcards.seed) | {"others": others}


def read_by_derive(wildcards):
    source = DATASETS[wildcards.dataset]["data"]
    return prepared(source, wildcards.seed) | {
        "split": split_of(source, wildcards.seed),
        "parents": parent_weights(DATASETS[wildcards.dataset], wildcards.seed),
    }


def read_by_train(wildcards):
    return read_by_adopt(wildcards) | {
        "split": split_of(NETS[wildcards.net]["data"], wildcards.seed),
        "attacked": attacked_for(wildcards.net, wildcards.seed),
    }


def read_by_adopt(wildcards):
    net, seed = NETS[wildcards.net], wildcards.seed
    files = prepared(net["data"], seed) | {"parents": parent_weights(net, seed)}
    if net["checkpoint"] is not None:
        files["checkpoints"] = CHECKPOINTS.format(net=net["checkpoint"]["net"], seed=seed)
    return files


def read_by_answers(wildcards):
    return prepared(wildcards.dataset, wildcards.seed) | {
        "weights": weights_of(wildcards.net, wildcards.seed),
    }


def read_by_expect(wildcards):
    net, seed = wildcards.net, wildcards.seed
    dataset = NETS[net]["data"]
    return {"clean": clean(net, dataset, seed), "split": split_of(dataset, seed)}


def read_by_attack(wildcards):
    return {
        "images": images(wildcards.dataset, wildcards.part, wildcards.seed),
        "split": split_of(wildcards.dataset, wildcards.seed),
        "weights": weights_of(wildcards.net, wildcards.seed),
        "parents": parent_weights(config["attacks"][wildcards.attack], wildcards.seed),
    }


def known_first(**entries):
    """Return an input function: the checks of the expected errors of the nets behind a job's entries.

    These run before the job, but do not change its result, hence `ancient`.

    Args:
        entries: wildcard of each section, such as `nets="net"`.
    """

    def found(wildcards):
        nodes = [(section, getattr(wildcards, name)) for section, name in entries.items()]
        return ancient(expectations(nodes, [wildcards.seed]))

    return found


def of_experiment(wildcards):
    """Return the image files and the splits of an experiment, one per seed."""
    dataset, part = (EXPERIMENTS[wildcards.experiment][key] for key in ("data", "part"))
    return {
        "images": [images(dataset, part, seed) for seed in config["seeds"]],
        "splits": splits_of([dataset]),
    }


def read_by_certify(wildcards):
    shown, seed = images_certified(wildcards), wildcards.seed
    return {
        "images": [images(each["data"], each["part"], seed) for each in shown],
        "splits": [split_of(each["data"], seed) for each in shown],
        "weights": weights_of(wildcards.net, seed),
    }


def read_by_measure(entry):
    """Return an input function: the files behind the parameters of a measurement."""
    wanted, section = {*asked(MEASURED[entry])}, MEASURED[entry]
    parents = list(section["parents"].values())

    def of_net(wildcards):
        net, seed = wildcards.net, wildcards.seed
        dataset, files = dataset_of(entry, net), {"weights": weights_of(net, seed)}
        if "data" in wanted:
            files["images"] = images(dataset, section["part"], seed)
        if "train" in wanted:
            files["train"] = images(dataset, "train", seed)
        if wanted & {"data", "train"}:
            files["split"] = split_of(dataset, seed)
        return files | {"parents": parent_weights(section, seed)}

    def of_an_experiment(wildcards):
        experiment = EXPERIMENTS[wildcards.experiment]
        files = of_experiment(wildcards) | {"parents": all_weights(parents)}
        if "train" in wanted:
            files["train"] = [images(experiment["data"], "train", s) for s in config["seeds"]]
        if "attacked" in wanted:
            files["attacks"] = attacked(experiment)
        if "sources" in wanted:
            files["sources"] = all_weights(experiment["sources"])
        if wanted & {"victims", "all_victims"}:
            files["victims"] = all_weights(experiment["victims"])
        return files

    def of_run(wildcards):
        nets = all_weights(section["nets"]) if "nets" in wanted else []
        return {"nets": nets, "parents": parent_weights(section, config["seeds"][0])}

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
        "images": [
            images(each["dataset"], each["file"], each["seed"]) for each in audited_images()
        ],
        "attacks": [*all_attacked(), *measured("witnesses")],
        "certificates": certified,
        "clean": clean_of(EXPERIMENTS.values()),
        "expected": expectations(nodes_of(nets_of_experiments())),
    }


def read_by_audit(wildcards):
    ledger = read_by_ledger(wildcards)
    return {
        "images": ledger["images"],
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
    return read_by_summary(config["tables"][wildcards.table], "analyses")


def read_by_figure(wildcards):
    return read_by_summary(config["figures"][wildcards.figure], "figures")


def read_by_summary(mapping, role):
    return evidence_of(mapping, role) | {"expected": expectations(nodes_of(nets_shown(mapping)))}


def read_by_report(wildcards):
    first = config["seeds"][0]
    shown = [(net, each["data"]) for each in EXPERIMENTS.values() for net in everyone(each)]
    return {
        "tables": expand(f"{RESULTS}/tables/{{table}}.parquet", table=config["tables"]),
        "figures": expand(f"{RESULTS}/figures/{{figure}}.svg", figure=config["figures"]),
        "splits": splits_of(datasets_in_use()),
        "audit": [f"{RESULTS}/audit.parquet"] if EXPERIMENTS else [],
        "pictures": measured("pictures", EXPERIMENTS),
        "transfer": measured("transfer", EXPERIMENTS),
        "clean": [clean(*of, first) for of in dict.fromkeys(shown)],
        "expected": expectations(nodes_of(NETS)),
    }
