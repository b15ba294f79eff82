# Origin of a file: a hash of the settings of the job that makes it, including the origins of all files that the job
# reads. Every result records its origin, which is then known even if Snakemake has no record of the file, as in a
# copied folder or without .snakemake.
from types import SimpleNamespace

from snakemake.io import IOFile

from blindspots.provenance import settings_hash, settings_in


def params_of(made_by, wildcards):
    """Return the params of a job, by name."""
    told = made_by.params.items()
    return {name: value(wildcards) if callable(value) else value for name, value in told}


@cache
def origin(path):
    """Return the origin of a file of this run."""
    producer = next(each for each in workflow.rules if each.is_producer(path))
    return settings_hash(params_of(producer, SimpleNamespace(**producer.get_wildcards(path))))


def origins(files):
    """Return a hash of the paths and origins of each input's files, by name of the input."""
    found = {}
    for name, paths in files.items():
        paths = [paths] if isinstance(paths, str) else paths
        found[name] = settings_hash([[path, origin(path)] for path in paths])
    return found


def reads(files_of):
    """Return a param: the origins of a job's inputs.

    Args:
        files_of: input function, maps wildcards to files by name.
    """
    return lambda wildcards: origins(files_of(wildcards))


def origins_each(files_of):
    """Return a param: the origin of each file by path; the argument is that of `reads`."""
    return lambda wildcards: {
        path: origin(path) for paths in files_of(wildcards).values() for path in paths
    }


def stale(name):
    """Return an input function: a new file if a job's results record other settings, otherwise nothing.

    The file is newer than the results, so that Snakemake makes them again. Snakemake's own record of a path would miss
    a file that was put there since, such as a folder of older results. A damaged result has no recorded settings: if
    Snakemake has a record of it, it is kept, and the job that reads it reports the damage.

    Args:
        name: name of the rule.
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
        # With unchanged content Snakemake would count it as old.
        Path(STALE).write_text(f"{time.time_ns()}\n", "utf-8")
        return STALE

    return found
