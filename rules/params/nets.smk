# Params: the part of the config that a job uses, and a fingerprint of the library's code that it reaches. Those of all
# jobs, and of the jobs of datasets and nets.
from functools import cache
from glob import has_magic
from itertools import product

from blindspots.config import methods
from blindspots.config.check import method_settings
from blindspots.config.datasets import plain_of
from blindspots.config.fingerprint import fingerprint
from blindspots.files.given import matching
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
    """Content hashes by path of the files and folders that settings of (role, instance) name.

    Of the package's own methods only datasets and models read any.
    """
    settings = [
        method_settings(mapping, role)
        for role, mapping in used
        if role in ("datasets", "derived", "models") or ":" in mapping["method"]
    ]
    return {path: content(path) for path in sorted(set(named_files(settings)))}


def named_files(value):
    """The texts among settings that are paths, or patterns of paths."""
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return sum(map(named_files, items), [])
    if not isinstance(value, str) or not (os.path.exists(value) or has_magic(value)):
        return []
    return matching(value)


def data_files(data):
    """The same for a dataset; moving files that are verified by checksums changes nothing."""
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
    net = NETS[wildcards.net]
    weights = net["weights"]
    said = {"weights": weights, "content": None if weights is None else content(weights)}
    return built_net(wildcards) | said | {"checkpoint": net["checkpoint"]}


def expected_error(wildcards):
    of = {"net": wildcards.net, "seed": int(wildcards.seed)}
    return of | NETS[wildcards.net]["expect"]


def trained_net(wildcards):
    net = NETS[wildcards.net]
    trainer = instance(net["trainer"], "trainers")
    told = {"trainer": trainer, **{key: net[key] for key in ("train_on", "checkpoints")}}
    rows = {name: rows_attacked(entry) for name, entry in net["attacked"].items()}
    return built_net(wildcards) | told | {"attacked": rows}


def rows_attacked(entry):
    """Number of rows of an experiment in a table of attacks whose images a net is trained on."""
    return radii_of(entry["attack"]) * EXPERIMENTS[entry["experiment"]]["n"]


def attacked_for(net, seed):
    """The tables of attacked images that a net is trained on."""
    found = []
    for entry in NETS[net]["attacked"].values():
        of = {"attacks": [entry["attack"]], "sources": [entry["net"]]}
        found += attacked(EXPERIMENTS[entry["experiment"]] | of, [seed])
    return found


def parent_weights(made, seed):
    """The weights of the nets that a net or a dataset is made from, or that an attack uses."""
    return expand(WEIGHTS, net=list(made["parents"].values()), seed=seed)


def made_by(dataset):
    """The methods that make a derived dataset, for `code`."""
    return [("derived", DATASETS[dataset]), *models_of(DATASETS[dataset]["parents"].values())]


def shown_beside(dataset):
    """The plain datasets of other nets that are shown images of a dataset, or of one made from it."""
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
    """The datasets that a measurement of nets shows, each with one of its nets."""
    section = MEASURED[entry]
    if declared(section).subject != "net" or section["n"] is None:
        return []
    shown = [(dataset_of(entry, net), net) for net in section["nets"]]
    datasets = dict.fromkeys(dataset for dataset, _ in shown)
    return [*shown, *product(datasets, section["parents"].values())]


def datasets_in_use():
    """The datasets of experiments, measurements and their nets; all if there are none."""
    shown = sum(map(shown_by, MEASURED), [])
    nets = with_parents([*nets_of_experiments(), *(net for _, net in shown)])
    used = {entry["data"] for entry in [*(NETS[net] for net in nets), *EXPERIMENTS.values()]}
    used |= {dataset for dataset, _ in shown}
    return [name for name in DATASETS if name in used] or PLAIN


def nets_of_experiments():
    return list(dict.fromkeys(sum(map(everyone, EXPERIMENTS.values()), [])))
