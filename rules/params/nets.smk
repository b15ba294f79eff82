# Params: the part of the config that a job uses, and a fingerprint of the library's code that it reaches. Here those
# shared by all jobs, and those of datasets and nets.
from functools import cache
from glob import has_magic
from itertools import product

from blindspots.config import methods, traits
from blindspots.config.check import method_settings
from blindspots.config.datasets import plain_of
from blindspots.config.fingerprint import fingerprint
from blindspots.files.given import matching
from blindspots.provenance import content


def instance(mapping, role):
    """Return a method and its settings in the form that jobs get."""
    return {"method": mapping["method"], "settings": method_settings(mapping, role)}


def code(script, *used):
    """Return the fingerprint of a script's imports and of the methods (role, instance) that its config names."""
    return reached(script, *(methods.locate(role, mapping["method"])[0] for role, mapping in used))


@cache
def reached(script, *modules):
    return fingerprint(modules, [ROOT / "scripts" / script])


content = cache(content)


def files(*used):
    """Return content hashes, by path, of the files and folders that settings of (role, instance) name.

    Only datasets, models and users' own methods read files.
    """
    settings = [
        method_settings(mapping, role)
        for role, mapping in used
        if role in ("datasets", "derived", "models") or ":" in mapping["method"]
    ]
    return {path: content(path) for path in sorted(set(named_files(settings)))}


def named_files(value):
    """Return the paths that texts among settings name or match as patterns."""
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return sum(map(named_files, items), [])
    if not isinstance(value, str) or not (os.path.exists(value) or has_magic(value)):
        return []
    return matching(value)


def data_files(data):
    """Return `files` for a dataset; moving files that are verified by checksums changes nothing."""
    unchecked = traits.marked("datasets", data["method"], "mirror").get("root")
    folder = Path(data["root"] or os.environ.get("BLINDSPOTS_DATA", ""), *unchecked or ())
    watched = {data["method"]: content(folder)} if unchecked and folder.is_dir() else {}
    return files(("datasets", data)) | watched


def models_of(nets):
    """Return the models of nets and of all their ancestors, for `code`."""
    return [("models", NETS[net]["model"]) for net in with_parents(nets)]


def methods_of(net):
    """Return the methods that make a net: its model, its ancestors' models and its trainer."""
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
    """Return the number of an experiment's rows in a table of attacks that a net is trained on."""
    return radii_of(entry["attack"]) * EXPERIMENTS[entry["experiment"]]["n"]


def attacked_for(net, seed):
    """Return the tables of attacked images that a net is trained on."""
    found = []
    for entry in NETS[net]["attacked"].values():
        of = {"attacks": [entry["attack"]], "sources": [entry["net"]]}
        found += attacked(EXPERIMENTS[entry["experiment"]] | of, [seed])
    return found


def parent_weights(made, seed):
    """Return the weights of the parents of a net, a dataset, an attack or a measurement."""
    return expand(WEIGHTS, net=list(made["parents"].values()), seed=seed)


def made_by(dataset):
    """Return the methods that make a derived dataset, for `code`."""
    return [("derived", DATASETS[dataset]), *models_of(DATASETS[dataset]["parents"].values())]


def shown_beside(dataset):
    """Return the other plain datasets whose nets are shown images of a dataset or of one derived from it."""
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
    """Return the datasets that a measurement of nets shows, paired with the nets that see them."""
    section = MEASURED[entry]
    if declared(section).subject != "net" or section["n"] is None:
        return []
    shown = [(dataset_of(entry, net), net) for net in section["nets"]]
    datasets = dict.fromkeys(dataset for dataset, _ in shown)
    return [*shown, *product(datasets, section["parents"].values())]


def datasets_in_use():
    """Return the datasets of experiments, measurements and their nets; if there are none, all plain ones."""
    shown = sum(map(shown_by, MEASURED), [])
    nets = with_parents([*nets_of_experiments(), *(net for _, net in shown)])
    used = {entry["data"] for entry in [*(NETS[net] for net in nets), *EXPERIMENTS.values()]}
    used |= {dataset for dataset, _ in shown}
    return [name for name in DATASETS if name in used] or PLAIN


def nets_of_experiments():
    return list(dict.fromkeys(sum(map(everyone, EXPERIMENTS.values()), [])))
