# What the rules share: the checked config, names of files, and the part of the config each job uses.
import gc
import os
import re
import shlex
import sys
import time
from functools import cache
from itertools import pairwise
from pathlib import Path

import psutil
import yaml
from snakemake.exceptions import WorkflowError

from blindspots import logs, methods
from blindspots.config import check, method_settings
from blindspots.fingerprint import fingerprint
from blindspots.interface import InputError

sys.executable = shlex.quote(sys.executable)  # Snakemake puts it into shell commands as it is

# Of thousands of jobs nearly all objects stay; looking through them less often saves a tenth.
gc.set_threshold(100_000, 20, 100)

ROOT = Path(workflow.basedir)
STARTED = psutil.Process().create_time()


def checked(raw):
    """The config with every optional key; or the end of the run, with a line for each fault."""
    schema = yaml.safe_load((ROOT / "schemas/config.schema.yaml").read_text("utf-8"))
    files = workflow.overwrite_configfiles or ["config.yaml"]
    try:
        return check(raw, schema, ", ".join(str(file) for file in files))
    except InputError as error:
        sys.exit(str(error))


def assert_writable(folder):
    """End the run where results could not be written, before anything is computed."""
    nearest = Path(folder)
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        sys.exit(
            f"{folder}: expected a folder that can be written to, found that {nearest.absolute()} "
            "cannot; change its permissions, or choose another working directory by --directory"
        )


def assert_weights_exist(nets):
    """End the run where the file of a given net is missing."""
    for name, net in nets.items():
        if net["weights"] is not None and not Path(net["weights"]).is_file():
            sys.exit(
                f"config: nets.{name}.weights: expected a file, found none at {net['weights']}; "
                f"paths are relative to {Path.cwd()}"
            )


config.update(checked(config))
assert_weights_exist(config["nets"])

RESULTS = f"results/{config['run']}"
RESOURCES = f"resources/{config['data']['name']}"
LOGS = f"logs/{config['run']}"
NETS, EXPERIMENTS = config["nets"], config["experiments"]
THREADS = config["machine"]["threads"]
GPU = int(config["machine"]["device"] != "cpu")  # `--resources gpu=1`: one such job at a time

for folder in (RESULTS, RESOURCES, LOGS):
    assert_writable(folder)


def what_went_wrong():
    """A line for every job of this run that failed."""
    return logs.faults(Path(LOGS), STARTED)


def what_was_done():
    """The end of a run in lines: jobs and their time, disk, and the report."""
    done, now = logs.jobs(Path(LOGS), STARTED), time.time()
    if not done:
        return []
    Path(LOGS, "times.md").write_text(logs.times(done, STARTED, now) + "\n", "utf-8")
    size = sum(file.stat().st_size for file in Path(RESULTS).rglob("*") if file.is_file())
    return [
        logs.summary(done, STARTED, now) + f" ({LOGS}/times.md has all)",
        f"{size / 2**20:.0f} MiB in {RESULTS}; open {RESULTS}/report.html",
    ]


# Resources.
def memory(megabytes):
    """Of a job; as much again each time that it is tried again, where a profile says `retries`."""
    return lambda wildcards, attempt: megabytes * attempt


# Names.
def slugs(nets):
    """The networks of some nets, one per seed, as their files call them."""
    return [f"{net}.s{seed}" for seed in config["seeds"] for net in nets]


def any_of(names):
    """A wildcard's pattern: one of these, or nothing at all."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


wildcard_constraints:
    seed=r"\d+",
    net=r"[^/]+",
    attack=any_of(config["attacks"]),
    experiment=any_of(EXPERIMENTS),
    part=r"\w+",
    first=r"\d+",
    end=r"\d+",


# Files.
SPLIT = f"{RESULTS}/splits/s{{seed}}.parquet"
WEIGHTS = f"{RESULTS}/nets/{{net}}.s{{seed}}/weights.safetensors"


def images(part):
    return f"{RESOURCES}/{'test' if part == 'test' else 'train'}.parquet"


def attacked(experiment):
    """The attacks' tables of an experiment's sources, in the order of seeds and sources."""
    attack, part = experiment["attack"], experiment["part"]
    return [
        f"{RESULTS}/attacks/{attack}/{net}/{part}.parquet" for net in slugs(experiment["sources"])
    ]


def all_weights(nets):
    return [f"{RESULTS}/nets/{net}/weights.safetensors" for net in slugs(nets)]


def everyone(experiment):
    """The nets that take part in an experiment."""
    return list(dict.fromkeys(experiment["sources"] + experiment["victims"]))


def with_parents(nets):
    """Nets and all that they are built from."""
    found = []
    for net in nets:
        found += [*with_parents(NETS[net]["parents"].values()), net]
    return list(dict.fromkeys(found))


def evidence(experiments, wanted):
    """The files behind each table that an analysis or a figure of experiments reads."""
    sections = [EXPERIMENTS[name] for name in experiments]
    nets = list(dict.fromkeys(sum(map(everyone, sections), [])))
    bounded = [net for net in nets if net in config["lipschitz"]["nets"]]
    files = {
        "split": expand(SPLIT, seed=config["seeds"]),
        "clean": expand(f"{RESULTS}/nets/{{net}}/clean.parquet", net=slugs(nets)),
        "attacks": list(dict.fromkeys(sum(map(attacked, sections), []))),
        "history": [
            f"{RESULTS}/nets/{net}/history.parquet"
            for net in slugs([n for n in with_parents(nets) if NETS[n]["weights"] is None])
        ],
        "lipschitz": expand(f"{RESULTS}/lipschitz/{{net}}.parquet", net=slugs(bounded)),
        "ledger": [f"{RESULTS}/ledger.parquet"],
    }
    for name in ("transfer", "pictures", "radii", "curves", "gradients"):
        files[name] = expand(f"{RESULTS}/{name}/{{experiment}}.parquet", experiment=experiments)
    return {name: files[name] for name in wanted}


# The part of the config that a job uses, and a fingerprint of the library's code that it reaches.
def instance(mapping, role):
    """A method and its settings, as jobs get them."""
    return {"method": mapping["method"], "settings": method_settings(mapping, role)}


def code(script, *used):
    """Of a script's imports and of the methods (role, instance) that its config names."""
    return reached(script, *(methods.locate(role, mapping["method"])[0] for role, mapping in used))


@cache
def reached(script, *modules):
    return fingerprint(modules, [ROOT / "scripts" / script])


def models_of(nets):
    """The models of nets and of all their ancestors, for `code`."""
    return [("models", NETS[net]["model"]) for net in with_parents(nets)]


def built_net(wildcards):
    net = NETS[wildcards.net]
    return {
        "name": wildcards.net,
        "seed": int(wildcards.seed),
        "model": instance(net["model"], "models"),
        "parents": list(net["parents"]),
    }


def trained_net(wildcards):
    net = NETS[wildcards.net]
    trainer = instance(net["trainer"], "trainers")
    if methods.takes("trainers", trainer["method"], "decay_scale"):
        trainer["settings"].setdefault("decay_scale", config["decay_scale"])
    return built_net(wildcards) | {"trainer": trainer, "train_on": net["train_on"]}


def parent_weights(wildcards):
    parents = list(NETS[wildcards.net]["parents"].values())
    return expand(WEIGHTS, net=parents, seed=wildcards.seed)


def attack_params(wildcards):
    attack = config["attacks"][wildcards.attack]
    return instance(attack, "attacks") | {"target": attack["target"]}


def nets_of_experiments():
    return list(dict.fromkeys(sum(map(everyone, EXPERIMENTS.values()), [])))


SHOWN = ("attack", "part", "n", "sources", "victims")
ONLY_SHOWN = ("controls_n", "amplify", "clip", "across_seeds")


def part_of(experiment, *keys):
    """What a job uses of an experiment's section."""
    return {key: EXPERIMENTS[experiment][key] for key in keys}


def controls_of(experiment):
    return {name: instance(config["attacks"][name], "attacks") for name in experiment["controls"]}


def shown_in(experiment):
    """The methods behind an experiment's controls and victims, for `code`."""
    victims = models_of(experiment["victims"])
    return [*victims, *(("attacks", control) for control in controls_of(experiment).values())]


def images_attacked(wildcards):
    """How many images of a part a net's attack needs: the most that an experiment asks for."""
    asked = attacked_by_all().get((wildcards.attack, wildcards.part, wildcards.net))
    if asked is None:
        raise WorkflowError(
            f"config: expected an experiment that attacks {wildcards.net} by {wildcards.attack} on part "
            f"{wildcards.part}, found none; add it as a source of one"
        )
    return asked


@cache
def attacked_by_all():
    """The most images that an experiment asks for, by attack, part and net."""
    asked = {}
    for experiment in EXPERIMENTS.values():
        for net in experiment["sources"]:
            key = experiment["attack"], experiment["part"], net
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
    name = (
        f"{RESULTS}/attacks/{wildcards.attack}/{wildcards.net}.s{wildcards.seed}/{wildcards.part}"
    )
    return [f"{name}.{first}-{end}.parquet" for first, end in pairwise([0, *ends])]


def images_certified(wildcards):
    """How many images of each part are certified for a net: those that experiments attack."""
    return shown_in_all()[wildcards.net]


@cache
def shown_in_all():
    """By net the most images of each part that an experiment shows it."""
    counts = {net: {} for net in NETS}
    for experiment in EXPERIMENTS.values():
        for net in everyone(experiment):
            seen = counts[net].get(experiment["part"], 0)
            counts[net][experiment["part"]] = max(experiment["n"], seen)
    return counts


def experiments_of(mapping):
    """The experiments of a table or a figure, its own first."""
    return list(dict.fromkeys([mapping["experiment"], *mapping["more_experiments"]]))


def summary(mapping, role):
    """A table or a figure: its method and settings, with the labels of the nets."""
    sections = [EXPERIMENTS[name] for name in experiments_of(mapping)]
    nets = with_parents(sum(map(everyone, sections), []))
    made = instance(mapping, role)
    if methods.takes(role, made["method"], "labels"):
        made["settings"]["labels"] = {net: NETS[net]["label"] for net in nets}
    return made | {"title": mapping["title"], "n": sections[0]["n"]}


def evidence_of(mapping, role):
    """The input files of a table or a figure."""
    return evidence(experiments_of(mapping), methods.inputs(role, mapping["method"]))
