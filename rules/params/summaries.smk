# What the ledger, the audit, tables, figures and the report are told.
from blindspots.config.check import SUBJECTS


def audited_images():
    """The prepared files of the experiments' datasets, by dataset, seed and file."""
    shown = dict.fromkeys(experiment["data"] for experiment in EXPERIMENTS.values())
    return [
        {"dataset": dataset, "seed": seed, "file": file}
        for dataset in shown
        for seed in config["seeds"]
        for file in ("train", "test")
    ]


def radii_of(attack):
    """How many radii an attack has rows for: 1 for a minimal attack."""
    eps = config["attacks"][attack].get("eps")
    return len(eps) if isinstance(eps, list) else 1


def product_certificates():
    """The certificates, by name, that are by the product of the layers' bounds."""
    found = {name: instance(c, "certificates") for name, c in config["certificates"].items()}
    return [
        name
        for name, c in found.items()
        if c["method"] == "lipschitz" and c["settings"].get("bound", "product") == "product"
    ]


def experiments_of(mapping):
    """The experiments of a table or a figure, its own first; none where it is of something else."""
    if mapping["experiment"] is None:
        return []
    return list(dict.fromkeys([mapping["experiment"], *mapping["more_experiments"]]))


def summary(mapping, role):
    """A table or a figure: its method and settings, with the labels of the nets."""
    made = instance(mapping, role)
    figures = PRINTED[mapping["paper"]] if mapping["paper"] else {}
    if methods.takes(role, made["method"], "printed"):
        made["settings"]["printed"] = PRINTED
    if role == "figures" and figures:
        made["settings"]["paper"] = figures
    if methods.takes(role, made["method"], "labels"):
        made["settings"]["labels"] = {net: NETS[net]["label"] for net in nets_shown(mapping)}
    return made | {
        "of": {key: mapping[key] for key in (*SUBJECTS, "more_experiments") if mapping[key]},
        "title": mapping["title"],
        "figures": figures,
        "n": rows_of_attacks(experiments_of(mapping)),
        "several": len(experiments_of(mapping)) == 1 and has_several(mapping["experiment"]),
        "pictures": with_images(methods.inputs(role, mapping["method"])),
    }


def nets_shown(mapping):
    """The nets that a table or a figure is of."""
    if mapping["measurement"] is not None:
        section = MEASURED[mapping["measurement"]]
        return section.get("nets", nets_in(section.get("experiments", [])))
    sections = [EXPERIMENTS[name] for name in experiments_of(mapping)]
    return with_parents(sum(map(everyone, sections), []))


def with_images(wanted):
    """The tables whose images are wanted, too."""
    pictures = {name for entry in MEASURED.values() for name in declared(entry).pictures}
    return [name for name in wanted if name in pictures]


def has_several(experiment):
    """Whether an experiment has more than one attack, or one at more than one radius."""
    return sum(map(radii_of, EXPERIMENTS[experiment]["attacks"])) > 1


def rows_of_attacks(experiments):
    """By path how many rows of each table of attacks some experiments use; others may ask for more."""
    asked = {}
    for experiment in (EXPERIMENTS[name] for name in experiments):
        for attack in experiment["attacks"]:
            n = radii_of(attack) * experiment["n"]
            files = attacked(experiment | {"attacks": [attack]})
            asked |= {path: max(n, asked.get(path, 0)) for path in files}
    return asked


ROW = 1000  # bytes of a table's row: as pandas has it, and what an analysis makes of it


def held_by(mapping, role, megabytes):
    """MB of a job that holds the answers of its experiments, row for row, beside some of its own."""
    wanted = {"transfer", "radii"} & {*methods.inputs(role, mapping["method"])}
    rows = sum(map(rows_of_transfer, experiments_of(mapping))) if wanted else 0
    return megabytes + rows * ROW // 10**6


def held_by_ledger(megabytes):
    """MB of the ledger's job and the audit's, which hold all attacks, and about as many witnesses."""
    return megabytes + 2 * sum(rows_of_attacks(EXPERIMENTS).values()) * ROW // 10**6


@cache
def rows_of_transfer(experiment):
    """How many answers to attacked images an experiment has."""
    section, seeds = EXPERIMENTS[experiment], len(config["seeds"])
    made = sum(map(radii_of, section["attacks"])) * len(section["sources"]) * section["n"]
    shown = made * (1 + len(section["amplify"])) + len(section["controls"]) * section["controls_n"]
    return shown * len(section["victims"]) * seeds * (seeds if section["across_seeds"] else 1)


def subject(mapping):
    """What a table or a figure is of, by which Snakemake's report groups them."""
    if mapping["more_experiments"]:
        return "across experiments"
    return next(f"{key} {mapping[key]}" for key in SUBJECTS if mapping[key] is not None)


def labels_of(section, name):
    """What Snakemake's report calls a table or a figure."""
    title = config[section][name]["title"].replace("{", "(").replace("}", ")")  # no wildcards
    return {section.removesuffix("s"): title, "name": name}


def evidence_of(mapping, role):
    """The input files of a table or a figure."""
    wanted = methods.inputs(role, mapping["method"])
    if mapping["measurement"] is not None:
        folders = subjects(mapping["measurement"])
        return {name: [f"{folder}/{name}.parquet" for folder in folders] for name in wanted}
    return evidence(experiments_of(mapping), wanted)


def templates():
    """The report's template, and what it includes."""
    included = [*(ROOT / "reports/page").iterdir(), *(ROOT / "reports/vendor").rglob("*.js")]
    return [os.path.relpath(path) for path in (ROOT / "reports/report.html.j2", *sorted(included))]
