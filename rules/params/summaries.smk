# What the ledger, the audit, tables, figures and the report are told.
from blindspots.config.check import SUBJECTS
from blindspots.files.rows import Rows
from blindspots.jobs import held


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
        "made_from": made_from(nodes_of(nets_shown(mapping))),
        "figures": figures,
        "n": rows_of_attacks(experiments_of(mapping)),
        "several": len(experiments_of(mapping)) == 1 and has_several(mapping["experiment"]),
        "pictures": with_images(methods.inputs(role, mapping["method"])),
        "parts": methods.by_parts(role, mapping["method"]),
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


def held_by(mapping, role, megabytes):
    """MB of a job that reads the tables of its experiments, beside some of its own."""
    sections = [EXPERIMENTS[name] for name in experiments_of(mapping)]
    keys = min((len(each[key]) for each in sections for key in ("sources", "victims")), default=1)
    by_parts = methods.by_parts(role, mapping["method"])
    return megabytes + held.by_analysis(rows_read(mapping, role), by_parts, keys) // 10**6


def minutes_of(mapping, role, minutes):
    """Minutes of a job that reads the tables of its experiments, beside some of its own."""
    return minutes + held.minutes(sum(rows_read(mapping, role).values()))


def rows_read(mapping, role):
    """How many rows the long tables have that a table or a figure reads, by name."""
    wanted = methods.inputs(role, mapping["method"])
    rows = rows_of_tables(experiments_of(mapping), wanted)
    return rows | ({"pockets": rows_of_pockets(mapping)} if "pockets" in wanted else {})


def rows_of_pockets(mapping):
    """How many rows of pockets a table or a figure reads: of nets, attacks, images and multiples."""
    one, rows = mapping["measurement"], 0
    for entry in (MEASURED[name] for name in ([one] if one else givers(config, "pockets"))):
        known = methods.defaults("measurements", entry["method"]) | entry
        for name in entry.get("experiments", []):
            if one or name in experiments_of(mapping):
                section = EXPERIMENTS[name]
                nets = sum(map(radii_of, section["attacks"])) * len(section["sources"])
                rows += (
                    nets * section["n"] * len(config["seeds"]) * len(known.get("multiples", [1]))
                )
    return rows


def held_by_nets(by_job, megabytes):
    """MB of a job that joins or checks the bounds of the nets, one after another."""
    attacked = sum(rows_of_attacks(EXPERIMENTS).values())
    sources = {source for section in EXPERIMENTS.values() for source in section["sources"]}
    return megabytes + by_job(attacked, len(sources)) // 10**6


def minutes_of_nets(minutes):
    """Minutes of a job that joins or checks the bounds of all nets, beside some of its own."""
    attacked = sum(rows_of_attacks(EXPERIMENTS).values())
    return minutes + held.minutes(held.BOUNDS * attacked)


def rows_of_tables(experiments, wanted):
    """How many rows the long tables have that are wanted of some experiments, by name."""
    answers = sum(map(rows_of_transfer, experiments))
    rows = {
        "transfer": answers,
        "radii": answers,
        "attacks": sum(rows_of_attacks(experiments).values()),
        "clean": rows_of_clean(experiments) if "clean" in wanted else 0,
        "ledger": held.BOUNDS * sum(rows_of_attacks(EXPERIMENTS).values()),
    }
    return {name: n for name, n in rows.items() if name in wanted}


def rows_of_clean(experiments):
    """How many answers to unaltered images the nets of some experiments have."""
    sections, seed = [EXPERIMENTS[name] for name in experiments], config["seeds"][0]
    shown = {(net, each["data"]) for each in sections for net in everyone(each)}
    files = [images(dataset, part, seed) for _, dataset in shown for part in ("train", "test")]
    return len(config["seeds"]) * sum(map(images_in, files))


def images_in(prepared):
    """How many images a prepared file has; before it is there as many as half of MNIST."""
    if not os.path.exists(prepared):
        return 35_000
    return counted(prepared, os.stat(prepared).st_mtime_ns)


@cache
def counted(prepared, time):
    return len(Rows(prepared, []))


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
