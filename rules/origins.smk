# Origins of files: a hash of the settings of the job that makes a file, which include the origins of all that the job
# reads. Every result records it, so that its settings are known even if Snakemake has no record of the file, as in a
# copied folder or without .snakemake.
from types import SimpleNamespace

from snakemake.io import IOFile

from blindspots.provenance import settings_hash, settings_in


def params_of(made_by, wildcards):
    """Params of a job, by name."""
    told = made_by.params.items()
    return {name: value(wildcards) if callable(value) else value for name, value in told}


@cache
def origin(path):
    """The hash of the settings of the job that makes a file of this run."""
    producer = next(each for each in workflow.rules if each.is_producer(path))
    return settings_hash(params_of(producer, SimpleNamespace(**producer.get_wildcards(path))))


def origins(files):
    """Hashes of the paths and origins of any number of files, by name of the input."""
    found = {}
    for name, paths in files.items():
        paths = [paths] if isinstance(paths, str) else paths
        found[name] = settings_hash([[path, origin(path)] for path in paths])
    return found


def reads(files_of):
    """A param: the origins of a job's inputs, which a function of its wildcards names."""
    return lambda wildcards: origins(files_of(wildcards))


def origins_each(files_of):
    """A param: `reads` for each file."""
    return lambda wildcards: {
        path: origin(path) for paths in files_of(wildcards).values() for path in paths
    }


def stale(name):
    """An input: a new file, if results record that they were made by other settings.

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
        # With equal content it would count as old.
        Path(STALE).write_text(f"{time.time_ns()}\n", "utf-8")
        return STALE

    return found
