# Shared by the rules: resources, names and files.
import re

from blindspots.config.ancestry import ancestors
from blindspots.config.measurements import asked, declared, givers
from blindspots.config.parts import parts_of


# Resources.
def memory(megabytes):
    """Return the `mem_mb` of a job; each retry, if a profile has `retries`, adds as much again."""
    return lambda wildcards, attempt: megabytes * attempt


# Names.
def slugs(nets, seeds=config["seeds"]):
    """Return the networks of some nets, one per seed, by their names in files."""
    return [f"{net}.s{seed}" for seed in seeds for net in nets]


def any_of(names):
    """Return a wildcard's pattern that matches only these names; without names nothing."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


wildcard_constraints:
    seed=r"\d+",
    net=r"[^/]+",
    dataset=any_of(DATASETS),
    attack=any_of(config["attacks"]),
    experiment=any_of(EXPERIMENTS),
    part=any_of(parts_of(config)),
    first=r"\d+",
    end=r"\d+",


# Files.
STALE = f"{LOGS}/made-by-other-settings"  # newer than any result, see `stale` in rules/origins.smk
SPLIT = f"{RESULTS}/splits/{{dataset}}.s{{seed}}.parquet"
EXPECTED = f"{RESULTS}/nets/{{net}}.s{{seed}}/expected.parquet"
WEIGHTS = f"{RESULTS}/nets/{{net}}.s{{seed}}/weights.safetensors"
CHECKPOINTS = f"{RESULTS}/nets/{{net}}.s{{seed}}/checkpoints.safetensors"


def images(dataset, part, seed):
    """Return the prepared file with a part's images; derived datasets have one per seed."""
    folder = f"resources/{dataset}" if dataset in PLAIN else f"{RESULTS}/datasets/{dataset}.s{seed}"
    return f"{folder}/{'test' if part == 'test' else 'train'}.parquet"


def clean(net, dataset, seed):
    """Return the table of a net's answers to a dataset; that on the net's own dataset is made with the net."""
    name = "clean" if dataset == NETS[net]["data"] else f"clean.{dataset}"
    return f"{RESULTS}/nets/{net}.s{seed}/{name}.parquet"


def attacked(experiment, seeds=config["seeds"]):
    """Return the attacks' tables of an experiment's sources, in the order of seeds, attacks and sources."""
    return [
        f"{RESULTS}/attacks/{attack}/{net}.s{seed}/{experiment['data']}/{experiment['part']}.parquet"
        for seed in seeds
        for attack in experiment["attacks"]
        for net in experiment["sources"]
    ]


def all_weights(nets):
    return [f"{RESULTS}/nets/{net}/weights.safetensors" for net in slugs(nets)]


def everyone(experiment):
    """Return the nets that take part in an experiment."""
    return list(dict.fromkeys(experiment["sources"] + experiment["victims"]))


def clean_of(experiments):
    """Return the tables of the experiments' nets' answers to the unaltered images of their datasets."""
    shown = [(net, each["data"]) for each in experiments for net in everyone(each)]
    return list(dict.fromkeys(clean(*of, seed) for seed in config["seeds"] for of in shown))


def with_expectation(nodes):
    """Return the nets with an expected error among entries (section, name) and all their ancestors."""
    found = dict.fromkeys([*nodes, *ancestors(config, nodes)])
    return [net for section, net in found if section == "nets" and NETS[net]["expect"] is not None]


def expectations(nodes, seeds=config["seeds"]):
    """Return the files of `rule expect` for the nets with an expected error, see `with_expectation`."""
    known = with_expectation(nodes)
    return [EXPECTED.format(net=net, seed=seed) for seed in seeds for net in known]


def nodes_of(nets):
    return [("nets", net) for net in nets]


def made_from(nodes):
    """Return the labels of the nets with an expected error behind each entry; entries without any are left out."""
    found = {}
    for section, name in nodes:
        behind = [
            net for net in with_expectation([(section, name)]) if (section, name) != ("nets", net)
        ]
        if behind:
            called = name if section == "nets" else f"{section.removesuffix('s')} {name}"
            found[called] = {net: NETS[net]["label"] for net in behind}
    return found


def splits_of(datasets):
    return expand(SPLIT, dataset=dict.fromkeys(datasets), seed=config["seeds"])


def dataset_of(entry, net):
    """Return the dataset whose images a measurement shows a net: by default the net's own."""
    return MEASURED[entry]["data"] or NETS[net]["data"]


def with_parents(nets):
    """Return nets and all nets that they are built from or are checkpoints of, ancestors first."""
    found = []
    for net in nets:
        of = NETS[net]["checkpoint"]
        before = [*NETS[net]["parents"].values(), *([of["net"]] if of else [])]
        found += [*with_parents(before), net]
    return list(dict.fromkeys(found))


def subjects(entry, experiments=None):
    """Return the folders of a measurement's subjects (nets, experiments or run), of some experiments if given."""
    what, section = declared(MEASURED[entry]), MEASURED[entry]
    top = f"{RESULTS}/measurements/{entry}"
    if what.subject == "run":
        return [top]
    if what.subject == "experiment":
        wanted = section["experiments"] if experiments is None else experiments
        return [f"{top}/{name}" for name in wanted if name in section["experiments"]]
    wanted = section["nets"] if experiments is None else nets_in(experiments)
    return [f"{top}/{net}" for net in slugs([n for n in wanted if n in section["nets"]])]


def measured(table, experiments=None):
    """Return the files of a table from all measurements that give it."""
    return [
        f"{folder}/{table}.parquet"
        for entry in givers(config, table)
        for folder in subjects(entry, experiments)
    ]


def nets_in(experiments):
    """Return the nets that take part in some experiments."""
    return list(dict.fromkeys(sum((everyone(EXPERIMENTS[name]) for name in experiments), [])))


def evidence(experiments, wanted):
    """Return the files of each table that an analysis or a figure of experiments reads."""
    nets = nets_in(experiments)
    sections = [EXPERIMENTS[name] for name in experiments]
    files = {
        "split": splits_of(each["data"] for each in sections),
        "clean": clean_of(sections),
        "attacks": list(dict.fromkeys(sum(map(attacked, sections), []))),
        "history": [
            f"{RESULTS}/nets/{net}/history.parquet"
            for net in slugs([n for n in with_parents(nets) if NETS[n]["trainer"] is not None])
        ],
        "ledger": [f"{RESULTS}/ledger.parquet"],
    }
    return {name: files.get(name) or measured(name, experiments) for name in wanted}
