# What a job is told: the part of the config that it uses, and a fingerprint of the library's code that
# it reaches.
from functools import cache
from glob import has_magic
from itertools import pairwise, product
from math import prod

from snakemake.exceptions import WorkflowError

from blindspots.config import methods
from blindspots.config.declarations import OF_EXPERIMENTS, needed, norm_of, with_radius
from blindspots.config.declarations import certificate as certificate_of
from blindspots.files import tables
from blindspots.files.given import matching
from blindspots.config.check import SUBJECTS, method_settings
from blindspots.config.datasets import plain_of
from blindspots.config.fingerprint import fingerprint
from blindspots.provenance import content


def instance(mapping, role):
    """A method and its settings, as jobs get them."""
    return {"method": mapping["method"], "settings": method_settings(mapping, role)}


def code(script, *used):
    """Fingerprint of a script's imports, and of the methods (role, instance) that its config names."""
    return reached(script, *(methods.locate(role, mapping["method"])[0] for role, mapping in used))


@cache
def reached(script, *modules):
    return fingerprint(modules, [ROOT / "scripts" / script])


content = cache(content)


def files(*used):
    """By path the content of the files and folders that settings of (role, instance) name.

    Of the package's own methods only datasets and models read any.
    """
    settings = [
        method_settings(mapping, role)
        for role, mapping in used
        if role in ("datasets", "derived", "models") or ":" in mapping["method"]
    ]
    return {path: content(path) for path in sorted(set(named_files(settings)))}


def named_files(value):
    """The texts among settings that are paths, or patterns of some."""
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return sum(map(named_files, items), [])
    if not isinstance(value, str) or not (os.path.exists(value) or has_magic(value)):
        return []
    return matching(value)


def data_files(data):
    """As `files`, of a dataset. Where the files of one that checksums tell are changes nothing."""
    unchecked = methods.marked("datasets", data["method"], "mirror").get("root")
    folder = Path(data["root"] or os.environ.get("BLINDSPOTS_DATA", ""), *unchecked or ())
    watched = {data["method"]: content(folder)} if unchecked and folder.is_dir() else {}
    return files(("datasets", data)) | watched


def models_of(nets):
    """The models of nets and of all their ancestors, for `code`."""
    return [("models", NETS[net]["model"]) for net in with_parents(nets)]


def methods_of(net):
    """The methods that make a net: its models and its trainer."""
    trainer = NETS[net]["trainer"]
    return [*models_of([net]), *([] if trainer is None else [("trainers", trainer)])]


def built_net(wildcards):
    net = NETS[wildcards.net]
    return {
        "name": wildcards.net,
        "seed": int(wildcards.seed),
        "model": instance(net["model"], "models"),
        "draws": net["draws"],
        "parents": list(net["parents"]),
    }


def adopted_net(wildcards):
    weights = NETS[wildcards.net]["weights"]
    return built_net(wildcards) | {"weights": weights, "content": content(weights)}


def trained_net(wildcards):
    net = NETS[wildcards.net]
    trainer = instance(net["trainer"], "trainers")
    return built_net(wildcards) | {"trainer": trainer, "train_on": net["train_on"]}


def parent_weights(made, seed):
    """The weights of the nets that a net or a dataset is made from, or an attack works with."""
    return expand(WEIGHTS, net=list(made["parents"].values()), seed=seed)


def made_by(dataset):
    """The methods that make a derived dataset, for `code`."""
    return [("derived", DATASETS[dataset]), *models_of(DATASETS[dataset]["parents"].values())]


def shown_beside(dataset):
    """The plain datasets of other nets that are shown images of one, or of any made from it."""
    nets = [(e["data"], net) for e in EXPERIMENTS.values() for net in everyone(e)]
    nets += [
        (e["data"], net)
        for e in EXPERIMENTS.values()
        for attack in e["attacks"]
        for net in config["attacks"][attack]["parents"].values()
    ]
    nets += [shown for entry in MEASURED for shown in shown_by(entry)]
    nets += [(d["data"], net) for n, d in DATASETS.items() for net in d["parents"].values()]
    of = [
        plain_of(DATASETS, NETS[net]["data"])
        for on, net in nets
        if plain_of(DATASETS, on) == dataset
    ]
    return [other for other in PLAIN if other in of and other != dataset]


def shown_by(entry):
    """The datasets that a measurement of nets shows, each with a net that it is shown to."""
    section = MEASURED[entry]
    if declared(section).subject != "net" or section["n"] is None:
        return []
    shown = [(dataset_of(entry, net), net) for net in section["nets"]]
    datasets = dict.fromkeys(dataset for dataset, _ in shown)
    return [*shown, *product(datasets, section["parents"].values())]


def datasets_in_use():
    """The datasets of experiments and measurements, and of the nets in them; or else all."""
    shown = sum(map(shown_by, MEASURED), [])
    nets = with_parents([*nets_of_experiments(), *(net for _, net in shown)])
    used = {entry["data"] for entry in [*(NETS[net] for net in nets), *EXPERIMENTS.values()]}
    used |= {dataset for dataset, _ in shown}
    return [name for name in DATASETS if name in used] or PLAIN


def audited_images():
    """The prepared files of the experiments' datasets, by dataset, seed and file."""
    shown = dict.fromkeys(experiment["data"] for experiment in EXPERIMENTS.values())
    return [
        {"dataset": dataset, "seed": seed, "file": file}
        for dataset in shown
        for seed in config["seeds"]
        for file in ("train", "test")
    ]


def attack_params(wildcards):
    attack = config["attacks"][wildcards.attack]
    mask = attack["mask"]
    return instance(attack, "attacks") | {
        "target": attack["target"],
        "mask": mask,
        "mask_content": None if mask is None else content(mask),
        "parents": list(attack["parents"]),
    }


def radii_of(attack):
    """How many radii an attack has rows for: 1 for a minimal attack."""
    eps = config["attacks"][attack].get("eps")
    return len(eps) if isinstance(eps, list) else 1


def nets_of_experiments():
    return list(dict.fromkeys(sum(map(everyone, EXPERIMENTS.values()), [])))


def network_params(section):
    """A network of any size that an entry of measurements describes, none of the nets."""
    made = {key: section[key] for key in ("shape", "classes", "weights")}
    seed = None if section["weights"] else config["seeds"][0]
    given = section["weights"] is not None and not section["weights"].startswith(PUBLISHED)
    made["content"] = content(section["weights"]) if given else None
    return made | instance(section["model"], "models") | {"seed": seed}


SHOWN = ("attacks", "part", "n", "sources", "victims")


def measurement_params(entry):
    """A param: what the jobs of a measurement are told, as a function of the wildcards."""
    section, wanted = MEASURED[entry], asked(MEASURED[entry])
    what = declared(section)
    told = instance(section, "measurements") | {
        "entry": entry,
        "subject": what.subject,
        "wants": wanted,
        "gives": list(what.given),
        "gpu": what.gpu,
        "parents": list(section["parents"]),
    }
    if what.subject == "net":
        told |= {key: section[key] for key in ("data", "part", "n")}
    if what.subject != "net":
        told["seeds"] = config["seeds"]
    if what.subject == "run":
        told["network"] = network_params(section) if "model" in section else None
        told["nets"] = section["nets"] if "nets" in wanted else []

    def of_experiment(wildcards):
        experiment = EXPERIMENTS[wildcards.experiment]
        kept = [*SHOWN, "controls_n"] if "controls" in wanted else SHOWN
        known = methods.settings("measurements", section["method"])
        theirs = {key: experiment[key] for key in OF_EXPERIMENTS if known and key in known[0]}
        return told | {
            "experiment": {key: experiment[key] for key in kept},
            "controls": controls_of(experiment) if "controls" in wanted else {},
            "settings": theirs | told["settings"],
        }

    return of_experiment if what.subject == "experiment" else lambda wildcards: told


def measured_by(entry, wildcards):
    """The methods of a measurement and of all models that it reads, for `code`."""
    section, wanted = MEASURED[entry], {*asked(MEASURED[entry])}
    nets, used = list(section["parents"].values()), [("measurements", section)]
    subject = declared(section).subject
    if subject == "net":
        nets.append(wildcards.net)
    elif subject == "experiment":
        experiment = EXPERIMENTS[wildcards.experiment]
        nets += experiment["sources"] if "sources" in wanted else []
        nets += experiment["victims"] if wanted & {"victims", "all_victims"} else []
        if "controls" in wanted:
            used += [("attacks", config["attacks"][name]) for name in experiment["controls"]]
    elif "nets" in wanted:
        nets += section["nets"]
    if "model" in section:
        used.append(("models", section["model"]))
    return [*used, *models_of(nets)]


def code_of_measurement(entry):
    """A param: as `code`, of a measurement's jobs."""
    return lambda wildcards: code("measure.py", *measured_by(entry, wildcards))


def files_of_measurement(entry):
    """A param: as `files`, of a measurement's jobs."""
    return lambda wildcards: files(*measured_by(entry, wildcards))


def subject_of(entry):
    """The folder of an entry's jobs, with wildcards."""
    within = {"net": ["{net}.s{seed}"], "experiment": ["{experiment}"], "run": []}
    return "/".join([entry, *within[declared(MEASURED[entry]).subject]])


def measured_path(entry, table):
    """The path of a table that a measurement gives, with wildcards."""
    return f"{RESULTS}/measurements/{subject_of(entry)}/{table}.parquet"


def need(entry, name):
    """A resource: what a measurement declares that it needs, a number or a function of sizes."""
    section = MEASURED[entry]
    declares = declared(section)

    def found(wildcards, attempt):
        sizes = sizes_of(wildcards) if callable(getattr(declares, name)) else ()
        try:
            need = needed(declares, name, section["method"], *sizes)
        except InputError as error:
            raise WorkflowError(f"config: measurements.{entry}.method: {error}") from None
        return max(1, round(need)) * (attempt if name == "memory" else 1)

    def sizes_of(wildcards):
        n, part, dataset = section.get("n") or 1, section.get("part", "test"), PLAIN[0]
        if "experiment" in wildcards.keys():
            experiment = EXPERIMENTS[wildcards.experiment]
            n, part, dataset = (experiment[key] for key in ("n", "part", "data"))
        elif "net" in wildcards.keys():
            dataset = dataset_of(entry, wildcards.net)
        seed = wildcards.get("seed", config["seeds"][0])
        return n, *sizes(images(dataset, part, seed)), config["machine"]["chunk"]

    return found


def sizes(prepared):
    """Pixels of an image and classes of a dataset; those of MNIST as long as it is not there."""
    if not os.path.exists(prepared):
        return 784, 10
    schema = tables.schema_of(prepared)
    return prod(schema.field("image").type.shape), tables.metadata(schema)["classes"]


def product_certificates():
    """The certificates, by name, that are by the product of the layers' bounds."""
    found = {name: instance(c, "certificates") for name, c in config["certificates"].items()}
    return [
        name
        for name, c in found.items()
        if c["method"] == "lipschitz" and c["settings"].get("bound", "product") == "product"
    ]


def controls_of(experiment):
    return {name: instance(config["attacks"][name], "attacks") for name in experiment["controls"]}


def images_attacked(wildcards):
    """How many images of a part a net's attack needs: the most that an experiment asks for."""
    key = tuple(getattr(wildcards, name) for name in ("attack", "dataset", "part", "net"))
    asked = attacked_by_all().get(key)
    if asked is None:
        raise WorkflowError(
            f"config: expected an experiment that attacks {wildcards.net} by {wildcards.attack} "
            f"on part {wildcards.part} of {wildcards.dataset}, found none; add it as a source of one"
        )
    return asked


@cache
def attacked_by_all():
    """The most images that an experiment asks for, by attack, dataset, part and net."""
    asked = {}
    for experiment in EXPERIMENTS.values():
        for attack, net in product(experiment["attacks"], experiment["sources"]):
            key = attack, experiment["data"], experiment["part"], net
            asked[key] = max(experiment["n"], asked.get(key, 0))
    return asked


def shards(wildcards):
    """The files that the rows of an attack's table are computed in; none: the one job does it."""
    n, chunk = images_attacked(wildcards), config["machine"]["chunk"]
    chunks = -(-n // chunk)
    count = min(config["machine"]["shards"], chunks)
    if count == 1:
        return []
    ends = [min(chunks * (i + 1) // count * chunk, n) for i in range(count)]
    folder = f"{RESULTS}/attacks/{wildcards.attack}/{wildcards.net}.s{wildcards.seed}"
    name = f"{folder}/{wildcards.dataset}/{wildcards.part}"
    return [f"{name}.{first}-{end}.parquet" for first, end in pairwise([0, *ends])]


def certificate_params(wildcards):
    """A certificate with what it declares, and how many images of each part it is for."""
    certificate = config["certificates"][wildcards.certificate]
    made = instance(certificate, "certificates")
    what = certificate_of(made["method"])
    return made | {
        "settings": with_radius(made["method"], made["settings"]),
        "n": certificate["n"],
        "required": certificate["required"],
        "norm": norm_of(made["method"], made["settings"]),
        "box": what.box,
        "whole": what.whole,
    }


def images_certified(wildcards):
    """How many images of each dataset and part are certified for a net: those that experiments attack."""
    return [
        {"data": dataset, "part": part, "n": n}
        for (dataset, part), n in shown_in_all()[wildcards.net].items()
    ]


@cache
def shown_in_all():
    """By net the most images of each dataset and part that an experiment shows it."""
    counts = {net: {} for net in NETS}
    for experiment in EXPERIMENTS.values():
        for net in everyone(experiment):
            key = experiment["data"], experiment["part"]
            counts[net][key] = max(experiment["n"], counts[net].get(key, 0))
    return counts


def experiments_of(mapping):
    """The experiments of a table or a figure, its own first; none where it is of something else."""
    if mapping["experiment"] is None:
        return []
    return list(dict.fromkeys([mapping["experiment"], *mapping["more_experiments"]]))


def summary(mapping, role):
    """A table or a figure: its method and settings, with the labels of the nets."""
    sections = [EXPERIMENTS[name] for name in experiments_of(mapping)]
    nets = with_parents(sum(map(everyone, sections), []))
    made = instance(mapping, role)
    if mapping["measurement"] is not None:
        nets = MEASURED[mapping["measurement"]].get("nets", [])
    if methods.takes(role, made["method"], "labels"):
        made["settings"]["labels"] = {net: NETS[net]["label"] for net in nets}
    return made | {
        "of": {key: mapping[key] for key in (*SUBJECTS, "more_experiments") if mapping[key]},
        "title": mapping["title"],
        "n": rows_of_attacks(experiments_of(mapping)),
        "several": len(experiments_of(mapping)) == 1 and has_several(mapping["experiment"]),
        "pictures": with_images(methods.inputs(role, mapping["method"])),
    }


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
