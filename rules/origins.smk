# Where files come from: a hash of the settings of the job that makes a file, which include the origins of all that
# the job reads. Every result says in itself which settings it is of, so that it is known for what it is also where
# Snakemake has no record of it: in a folder that was copied, or without .snakemake.
from types import SimpleNamespace

from snakemake.io import IOFile

from blindspots.provenance import settings_hash, settings_in


def params_of(made_by, wildcards):
    """What a job is told, by name."""
    told = made_by.params.items()
    return {name: value(wildcards) if callable(value) else value for name, value in told}


@cache
def origin(path):
    """The hash of the settings of the job that makes a file of this run."""
    producer = next(each for each in workflow.rules if each.is_producer(path))
    return settings_hash(params_of(producer, SimpleNamespace(**producer.get_wildcards(path))))


def origins(files):
    """By name of an input: a hash of the files' paths and origins, of any number of them."""
    found = {}
    for name, paths in files.items():
        paths = [paths] if isinstance(paths, str) else paths
        found[name] = settings_hash([[path, origin(path)] for path in paths])
    return found


def reads(files_of):
    """A param: the origins of what a job reads, as a function of its wildcards says."""
    return lambda wildcards: origins(files_of(wildcards))


def origins_each(files_of):
    """A param: as `reads`, file by file."""
    return lambda wildcards: {
        path: origin(path) for paths in files_of(wildcards).values() for path in paths
    }


def stale(name):
    """An input: a file just made, where results say that they were made by other settings.

    It is newer than they are, so that Snakemake makes them again. Its own record of a path says nothing of a file that
    was put there since, such as a folder of older results. A damaged file says nothing of itself: where there is a
    record, the job that reads it names it.
    """

    def found(wildcards):
        made_by = workflow.get_rule(name)
        outputs = [IOFile(file.apply_wildcards(wildcards)) for file in made_by.output]
        there = [file for file in outputs if os.path.exists(file)]
        if not there:
            return []
        said = {settings_in(file) for file in there} - {None}
        recorded = all(workflow.persistence.metadata(file) for file in there)
        if said == {settings_hash(params_of(made_by, wildcards))} or (recorded and not said):
            return []
        os.makedirs(LOGS, exist_ok=True)
        # Of equal content it would count as old as before.
        Path(STALE).write_text(f"{time.time_ns()}\n", "utf-8")
        return STALE

    return found
