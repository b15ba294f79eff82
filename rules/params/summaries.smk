# Params and resources of the ledger, the audit, tables, figures and the report.
from snakemake.exceptions import WorkflowError

from blindspots.config.check import SUBJECTS
from blindspots.config.declarations import STORED, rows_of
from blindspots.config.schema import own_keys
from blindspots.config.shows import labels_under
from blindspots.families import radii
from blindspots.files.rows import Rows
from blindspots.jobs import resources


def audited_images():
    """Return dataset, seed and file of each prepared file of the experiments' datasets."""
    shown = dict.fromkeys(experiment["data"] for experiment in EXPERIMENTS.values())
    return [
        {"dataset": dataset, "seed": seed, "file": file}
        for dataset in shown
        for seed in config["seeds"]
        for file in ("train", "test")
    ]


def radii_of(attack):
    """Return the number of an attack's radii; 1 for a minimal attack."""
    return len(radii(config["attacks"][attack]))


def product_certificates():
    """Return the names of the certificates that use the product of the layers' bounds."""
    found = {name: instance(c, "certificates") for name, c in config["certificates"].items()}
    return [
        name
        for name, c in found.items()
        if c["method"] == "lipschitz" and c["settings"].get("bound", "product") == "product"
    ]


def experiments_of(mapping):
    """Return the experiments of a table or a figure, its main one first; empty if it has another subject."""
    if mapping["experiment"] is None:
        return []
    return list(dict.fromkeys([mapping["experiment"], *mapping["more_experiments"]]))


def experiments_read(mapping):
    """Return the experiments whose tables a table or a figure reads: its own, or those of its measurement."""
    if mapping["measurement"] is None:
        return experiments_of(mapping)
    return MEASURED[mapping["measurement"]].get("experiments", [])


def summary(mapping, role):
    """Return the param of a table or a figure: its method, its settings and what it needs to know of its evidence."""
    made = instance(mapping, role)
    figures = PRINTED[mapping["paper"]] if mapping["paper"] else {}
    if methods.takes(role, made["method"], "printed"):
        made["settings"]["printed"] = PRINTED
    if role == "figures" and figures:
        made["settings"]["paper"] = figures
    for name, given in read_under(mapping).items():
        if methods.takes(role, made["method"], name):
            made["settings"][name] = given
    if methods.takes(role, made["method"], "labels"):
        made["settings"]["labels"] = {net: NETS[net]["label"] for net in nets_shown(mapping)}
    if methods.takes(role, made["method"], "trained_on"):
        made["settings"]["trained_on"] = parts_trained_on(mapping)
    if (given := unclipped(mapping)) and methods.takes(role, made["method"], "unclipped"):
        made["settings"]["unclipped"] = given
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


def read_under(mapping):
    """Return what a table may ask for on the readings of its experiments, by name."""
    run = config.get("under", {})
    of = {name: EXPERIMENTS[name] for name in experiments_of(mapping)}
    entries = {net: NETS[net] for net in nets_shown(mapping)} if of else {}
    entries |= {
        n: config["attacks"][n]
        for each in of.values()
        for n in (*each["attacks"], *each["controls"])
    }
    return {
        "under": labels_under(experiments_of(mapping), config),
        "stands_for": {
            n: entry["stands_for"] for n, entry in entries.items() if "stands_for" in entry
        },
        "answers": run.get("answers", {}),
    }


def nets_shown(mapping):
    """Return the nets of a table's or a figure's subject."""
    if mapping["measurement"] is not None:
        section = MEASURED[mapping["measurement"]]
        return section.get("nets", nets_in(section.get("experiments", [])))
    sections = [EXPERIMENTS[name] for name in experiments_of(mapping)]
    return with_parents(sum(map(everyone, sections), []))


def parts_trained_on(mapping):
    """Return the part of its subject's dataset that each net was trained on; None: of none, or of another dataset."""
    shown = {EXPERIMENTS[name]["data"] for name in experiments_of(mapping)}
    return {
        net: NETS[net]["train_on"] if shown == {NETS[net]["data"]} else None
        for net in nets_shown(mapping)
    }


def unclipped(mapping):
    """Return the experiments whose amplified images may leave the box, and the attacks and controls that may; empty if none."""
    of = {name: EXPERIMENTS[name] for name in experiments_of(mapping)}
    made = dict.fromkeys(n for each in of.values() for n in (*each["attacks"], *each["controls"]))
    found = {
        "experiments": [name for name, each in of.items() if not each["clip"]],
        "attacks": [name for name in made if config["attacks"][name].get("clip") is False],
    }
    return found if any(found.values()) else {}


def with_images(wanted):
    """Select the tables whose image columns are read."""
    pictures = {name for entry in MEASURED.values() for name in declared(entry).pictures}
    return [name for name in wanted if name in pictures]


def has_several(experiment):
    """Return whether an experiment has several attacks, or one at several radii."""
    return sum(map(radii_of, EXPERIMENTS[experiment]["attacks"])) > 1


def rows_of_attacks(experiments):
    """Return the number of rows of each table of attacks that some experiments use, by path; others may use more."""
    asked = {}
    for experiment in (EXPERIMENTS[name] for name in experiments):
        for attack in experiment["attacks"]:
            n = radii_of(attack) * experiment["n"]
            files = attacked(experiment | {"attacks": [attack]})
            asked |= {path: max(n, asked.get(path, 0)) for path in files}
    return asked


def held_by(mapping, role, megabytes):
    """Return the MB of a job that reads its experiments' tables, in addition to a number of MB."""
    sections = [EXPERIMENTS[name] for name in experiments_read(mapping)]
    keys = min((len(each[key]) for each in sections for key in ("sources", "victims")), default=1)
    by_parts = methods.by_parts(role, mapping["method"])
    return megabytes + resources.by_analysis(rows_read(mapping, role), by_parts, keys) // 10**6


def minutes_of(mapping, role, minutes):
    """Return the minutes of a job that reads its experiments' tables, in addition to a number of minutes."""
    return minutes + resources.minutes(sum(rows_read(mapping, role).values()))


def rows_read(mapping, role):
    """Return the number of rows of each long table that a table or a figure reads, by name."""
    wanted = methods.inputs(role, mapping["method"])
    rows = rows_of_tables(experiments_read(mapping), wanted)
    others = [name for name in wanted if name not in STORED and not rows.get(name)]
    return rows | {name: rows_declared(name, mapping) for name in others}


def rows_declared(table, mapping):
    """Return the number of rows of a measurement's table that a table or a figure reads, as it declares them."""
    one, rows = mapping["measurement"], 0
    for name in [one] if one else givers(config, table):
        section, seeds = MEASURED[name], len(config["seeds"])
        shown = [({}, (len(section.get("nets", [])) or 1) * (section.get("n") or 1))]
        if "experiments" in section:
            of = [EXPERIMENTS[e] for e in section["experiments"] if e in experiments_read(mapping)]
            shown = [(e, sum(map(radii_of, e["attacks"])) * len(e["sources"]) * e["n"]) for e in of]
        try:
            rows += sum(
                rows_of(section, images * seeds, experiment) for experiment, images in shown
            )
        except InputError as error:
            raise WorkflowError(IN_FILE(f"config: measurements.{name}.method: {error}")) from None
    return rows


@cache
def attacked_in_all():
    """Return the number of rows of all tables of attacks."""
    return sum(rows_of_attacks(EXPERIMENTS).values())


def held_by_nets(by_job, megabytes):
    """Return the MB of a job that joins or checks the bounds of the nets, one net after another."""
    sources = {source for section in EXPERIMENTS.values() for source in section["sources"]}
    return megabytes + by_job(attacked_in_all(), len(sources)) // 10**6


def minutes_of_nets(minutes):
    """Minutes of a job that joins or checks the bounds of all nets, beside some of its own."""
    return minutes + resources.minutes(resources.BOUNDS * attacked_in_all())


def rows_of_tables(experiments, wanted):
    """Return the number of rows of each long table that a job wants of some experiments, by name."""
    answers = sum(map(rows_of_transfer, experiments))
    attacks = sum(rows_of_attacks(experiments).values())
    rows = {
        "transfer": answers,
        "radii": answers,
        "attacks": attacks,
        "witnesses": attacks,  # about as many
        "clean": rows_of_clean(experiments) if "clean" in wanted else 0,
        "ledger": resources.BOUNDS * attacked_in_all(),
    }
    return {name: n for name, n in rows.items() if name in wanted}


def rows_of_clean(experiments):
    """Return the number of answers to unaltered images by the nets of some experiments."""
    sections, seed = [EXPERIMENTS[name] for name in experiments], config["seeds"][0]
    shown = {(net, each["data"]) for each in sections for net in everyone(each)}
    files = [images(dataset, part, seed) for _, dataset in shown for part in ("train", "test")]
    return len(config["seeds"]) * sum(map(images_in, files))


def images_in(prepared):
    """Return the number of images in a prepared file; until it is prepared, half of MNIST's."""
    if not os.path.exists(prepared):
        return 35_000
    return counted(prepared, os.stat(prepared).st_mtime_ns)


@cache
def counted(prepared, time):
    return len(Rows(prepared, []))


@cache
def rows_of_transfer(experiment):
    """Return the number of answers to attacked images and controls of an experiment."""
    section, seeds = EXPERIMENTS[experiment], len(config["seeds"])
    made = sum(map(radii_of, section["attacks"])) * len(section["sources"]) * section["n"]
    shown = made * (1 + len(section["amplify"])) + len(section["controls"]) * section["controls_n"]
    return shown * len(section["victims"]) * seeds * (seeds if section["across_seeds"] else 1)


def subject(mapping):
    """Return the subject of a table or a figure as text; Snakemake's report groups by it."""
    if mapping["more_experiments"]:
        return "across experiments"
    return next(f"{key} {mapping[key]}" for key in SUBJECTS if mapping[key] is not None)


def labels_of(section, name):
    """Return the labels of a table or a figure in Snakemake's report."""
    title = config[section][name]["title"].replace("{", "(").replace("}", ")")  # no wildcards
    return {section.removesuffix("s"): title, "name": name}


def evidence_of(mapping, role):
    """Return the input files of a table or a figure."""
    wanted = methods.inputs(role, mapping["method"])
    if mapping["measurement"] is not None:
        folders = subjects(mapping["measurement"])
        return {name: [f"{folder}/{name}.parquet" for folder in folders] for name in wanted}
    return evidence(experiments_of(mapping), wanted)


def templates():
    """Return the paths of the report's template and of the files that it includes."""
    included = [*(ROOT / "reports/page").iterdir(), *(ROOT / "reports/vendor").rglob("*.js")]
    return [os.path.relpath(path) for path in (ROOT / "reports/report.html.j2", *sorted(included))]
