# Params and resources of measurements.
from math import prod

from snakemake.exceptions import WorkflowError

from blindspots.config.declarations import OF_EXPERIMENTS, needed
from blindspots.files import tables


def network_params(section):
    """Return the network of any size that an entry of measurements describes itself."""
    made = {key: section[key] for key in ("shape", "classes", "weights")}
    seed = None if section["weights"] else config["seeds"][0]
    given = section["weights"] is not None and not section["weights"].startswith(PUBLISHED)
    made["content"] = content(section["weights"]) if given else None
    return made | instance(section["model"], "models") | {"seed": seed}


SHOWN = ("attacks", "part", "n", "sources", "victims")


def measurement_params(entry):
    """Return a param: the settings of a measurement's jobs, as a function of the wildcards."""
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
    """Return the methods of a measurement and of all models that it reads, for `code`."""
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
    """Return a param: `code` of a measurement's jobs."""
    return lambda wildcards: code("measure.py", *measured_by(entry, wildcards))


def files_of_measurement(entry):
    """Return a param: `files` of a measurement's jobs."""
    return lambda wildcards: files(*measured_by(entry, wildcards))


def subject_of(entry):
    """Return the folder of an entry's jobs, with wildcards."""
    within = {"net": ["{net}.s{seed}"], "experiment": ["{experiment}"], "run": []}
    return "/".join([entry, *within[declared(MEASURED[entry]).subject]])


def measured_path(entry, table):
    """Return the path of a table that a measurement gives, with wildcards."""
    return f"{RESULTS}/measurements/{subject_of(entry)}/{table}.parquet"


def need(entry, name):
    """Return a resource: the need that a measurement declares, a number or a function of sizes.

    Args:
        entry: name of the measurement's entry.
        name: "memory" or "runtime".
    """
    section = MEASURED[entry]
    declares = declared(section)

    def found(wildcards, attempt):
        sizes = sizes_of(wildcards) if callable(getattr(declares, name)) else ()
        try:
            need = needed(declares, name, section["method"], *sizes)
        except InputError as error:
            raise WorkflowError(IN_FILE(f"config: measurements.{entry}.method: {error}")) from None
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
    """Return the pixels of an image and the classes of a dataset; those of MNIST until it is prepared.

    Snakemake asks again when a job begins, when its inputs are there.
    """
    if not os.path.exists(prepared):
        return 784, 10
    return sizes_in(prepared, os.stat(prepared).st_mtime_ns)


@cache
def sizes_in(prepared, time):
    schema = tables.schema_of(prepared)
    return prod(schema.field("image").type.shape), tables.metadata(schema)["classes"]


def controls_of(experiment):
    return {name: instance(config["attacks"][name], "attacks") for name in experiment["controls"]}
