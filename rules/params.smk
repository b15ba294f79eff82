# What a job is told: the part of the config that it uses, and a fingerprint of the library's code that
# it reaches.
from functools import cache
from glob import has_magic
from itertools import pairwise, product

from snakemake.exceptions import WorkflowError

from blindspots.config import methods
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
    nets += [(u["data"], net) for n, u in UNITS.items() for net in u["nets"] + reference_nets(n)]
    nets += [(d["data"], net) for n, d in DATASETS.items() for net in d["parents"].values()]
    of = [
        plain_of(DATASETS, NETS[net]["data"])
        for on, net in nets
        if plain_of(DATASETS, on) == dataset
    ]
    return [other for other in PLAIN if other in of and other != dataset]


def datasets_in_use():
    """The datasets of experiments and units, and of the nets in them; all, where there are none."""
    nets = with_parents(sum((units["nets"] for units in UNITS.values()), nets_of_experiments()))
    entries = [*(NETS[net] for net in nets), *EXPERIMENTS.values(), *UNITS.values()]
    used = {entry["data"] for entry in entries}
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


def operator_params(wildcards):
    network = config["operators"][wildcards.network]
    made = {key: network[key] for key in ("shape", "classes", "weights")}
    seed = None if network["weights"] else config["seeds"][0]
    given = network["weights"] is not None and not network["weights"].startswith(PUBLISHED)
    made["content"] = content(network["weights"]) if given else None
    return made | instance(network["model"], "models") | {"seed": seed}


def swept():
    """The experiments whose directions are scaled, since a table or a figure asks for it."""
    found = []
    for section, role in (("tables", "analyses"), ("figures", "figures")):
        for mapping in config[section].values():
            if {"radii", "curves"} & set(methods.inputs(role, mapping["method"])):
                found += experiments_of(mapping)
    return [name for name in EXPERIMENTS if name in found]


def product_certificates():
    """The certificates, by name, that are by the product of the layers' bounds."""
    found = {name: instance(c, "certificates") for name, c in config["certificates"].items()}
    return [
        name
        for name, c in found.items()
        if c["method"] == "lipschitz" and c["settings"].get("bound", "product") == "product"
    ]


def bounded_sources(experiment):
    """The sources of an experiment whose Lipschitz constants are bounded."""
    return [n for n in EXPERIMENTS[experiment]["sources"] if n in config["lipschitz"]["nets"]]


SHOWN = ("attacks", "part", "n", "sources", "victims")
ONLY_SHOWN = ("controls_n", "amplify", "clip", "across_seeds")


def part_of(experiment, *keys):
    """What a job uses of an experiment's section."""
    return {key: EXPERIMENTS[experiment][key] for key in keys}


def controls_of(experiment):
    return {name: instance(config["attacks"][name], "attacks") for name in experiment["controls"]}


def shown_in(experiment):
    """The methods behind an experiment's victims and controls, for `code` and `files`."""
    controls = [("attacks", config["attacks"][name]) for name in experiment["controls"]]
    return [*models_of(experiment["victims"]), *controls]


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


def certificates_of(wildcards):
    """The certificates of a net, by name, and how many images of each part each is for."""
    return {
        name: instance(certificate, "certificates")
        | {"n": certificate["n"], "required": certificate["required"]}
        for name, certificate in config["certificates"].items()
        if wildcards.net in certificate["nets"]
    }


def certified_by(wildcards):
    """The methods of a net's certificates, for `code` and `files`."""
    return [("certificates", config["certificates"][name]) for name in certificates_of(wildcards)]


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
    if mapping["units"] is not None:
        sections = [UNITS[mapping["units"]]]
        nets = sections[0]["nets"]
        if methods.takes(role, made["method"], "margins"):
            made["settings"]["margins"] = sections[0]["margins"]
    if methods.takes(role, made["method"], "labels"):
        made["settings"]["labels"] = {net: NETS[net]["label"] for net in nets}
    return made | {
        "of": {key: mapping[key] for key in (*SUBJECTS, "more_experiments") if mapping[key]},
        "title": mapping["title"],
        "n": rows_of_attacks(experiments_of(mapping)),
        "several": len(experiments_of(mapping)) == 1 and has_several(mapping["experiment"]),
    }


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
    if mapping["units"] is not None:
        return measured_units(mapping["units"], wanted)
    if mapping["operators"] is not None:
        return {"operators": [f"{RESULTS}/operators/{mapping['operators']}.parquet"]}
    return evidence(experiments_of(mapping), wanted)


def units_params(wildcards):
    """What a job that measures units uses of their section: not the margins, not other nets."""
    section = UNITS[wildcards.units]
    return {key: section[key] for key in section if key not in ("nets", "margins")}


def reference_nets(units):
    """The net whose features measure a similarity, or none."""
    reference = UNITS[units]["reference"]
    return [] if reference is None else [reference["net"]]


def templates():
    """The report's template, and what it includes."""
    included = [*(ROOT / "reports/page").iterdir(), *(ROOT / "reports/vendor").rglob("*.js")]
    return [os.path.relpath(path) for path in (ROOT / "reports/report.html.j2", *sorted(included))]
