# Params of attacks and certificates, and their numbers of images.
from itertools import pairwise, product

from snakemake.exceptions import WorkflowError

from blindspots.config.declarations import certificate as certificate_of
from blindspots.config.declarations import norm_of, with_radius


def attack_params(wildcards):
    attack = config["attacks"][wildcards.attack]
    mask = attack["mask"]
    return instance(attack, "attacks") | {
        "target": attack["target"],
        "mask": mask,
        "mask_content": None if mask is None else content(mask),
        "parents": list(attack["parents"]),
    }


def images_attacked(wildcards):
    """Return the number of images of a part to attack for a net: the most that an experiment asks for."""
    key = tuple(getattr(wildcards, name) for name in ("attack", "dataset", "part", "net"))
    asked = attacked_by_all().get(key)
    if asked is None:
        raise WorkflowError(
            f"config: expected an experiment that attacks {wildcards.net} by {wildcards.attack} "
            f"on part {wildcards.part} of {wildcards.dataset}, found none; add the net to the sources of one"
        )
    return asked


@cache
def attacked_by_all():
    """Return the largest number of images that an experiment attacks, by attack, dataset, part and net."""
    asked = {}
    for experiment in EXPERIMENTS.values():
        for attack, net in product(experiment["attacks"], experiment["sources"]):
            key = attack, experiment["data"], experiment["part"], net
            asked[key] = max(experiment["n"], asked.get(key, 0))
    return asked


def shards(wildcards):
    """Return the files of the shards of an attack's table; empty if one job computes all rows."""
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
    """Return a certificate's method, settings and declaration, and its largest number of images per part."""
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
    """Return the number of images to certify for a net, by dataset and part: as many as experiments show it."""
    return [
        {"data": dataset, "part": part, "n": n}
        for (dataset, part), n in shown_in_all()[wildcards.net].items()
    ]


@cache
def shown_in_all():
    """Return the largest number of images that an experiment shows, by net, dataset and part."""
    counts = {net: {} for net in NETS}
    for experiment in EXPERIMENTS.values():
        for net in everyone(experiment):
            key = experiment["data"], experiment["part"]
            counts[net][key] = max(experiment["n"], counts[net].get(key, 0))
    return counts
