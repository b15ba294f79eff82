# The checked config, what it says of the whole run, and the lines that end one.
import gc
import os
import re
import shlex
import sys
import time
from itertools import chain
from pathlib import Path

import psutil

from blindspots.runs import logs
from blindspots.files.given import check as check_given
from blindspots.config.ancestry import ancestors
from blindspots.config import check
from blindspots.config.claims import claims_of
from blindspots.config.datasets import is_derived
from blindspots.config.lines import written
from blindspots.config.printed import printed
from blindspots.config.reading import full_form, laid_over, placed, with_nulls
from blindspots.config.schema import schema
from blindspots.interface import InputError

sys.executable = shlex.quote(sys.executable)  # Snakemake puts it into shell commands as it is

# With thousands of jobs nearly all objects stay; rarer collections make the planning faster.
gc.set_threshold(100_000, 20, 100)

ROOT = Path(workflow.basedir)
if "{" in str(ROOT) or "}" in str(ROOT):  # Snakemake formats the paths of rules and scripts
    sys.exit(f"{ROOT}: expected a checkout in a folder without braces, found some; move it")
# Jobs import the package from here, whatever else is installed.
others = os.environ.get("PYTHONPATH")
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [str(ROOT), others])))
PUBLISHED = "torchvision:"  # prefix of weights that are downloaded instead of read from a file
STARTED = psutil.Process().create_time()


def checked(raw):
    """Check the config, and end the run with a line for each fault.

    Returns:
        The config with every optional key; the measurements that it names, in contrast to those that are made anyway;
        and a function that puts the file and the line of its key before a message "config: KEY: fault".
    """
    files = [str(file) for file in workflow.overwrite_configfiles or ["config.yaml"]]

    def in_file(said):
        before, found, fault = said.partition("config: ")
        if found and re.match(r"[\w.@-]+: ", fault):
            return before + placed(fault, "config", where[1], full)
        return said

    by_hand = workflow.config_settings.config or {}  # from --config
    raw = laid_over(raw, with_nulls(by_hand))
    try:
        where = ", ".join(files), written(files, by_hand), Path(files[0]).stem
        full = full_form(raw, schema("config"), *where)
        given = check.checked(full, *where[:2])
    except InputError as error:
        sys.exit(str(error))
    return given, [*full.config.get("measurements", {})], in_file


def assert_writable(folder):
    """End the run before anything is computed if results cannot be written to a folder."""
    nearest = Path(folder)
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        sys.exit(
            f"{folder}: expected a writable folder, found that {nearest.absolute()} is not; change "
            "its permissions, or choose another working directory by --directory"
        )


def assert_weights_exist(section):
    """End the run if a file of weights that the config names is missing."""
    for name, net in config[section].items():
        file = net.get("weights")
        published = section == "measurements" and str(file).startswith(PUBLISHED)
        if file is not None and not published:
            try:
                check_given(file, "a file of weights")
            except InputError as error:
                sys.exit(IN_FILE(f"config: {section}.{name}.weights: {error}"))


def assert_folders_exist():
    """End the run if the folder of a dataset is missing that a job reads by a built-in method."""
    sections = (config[section].values() for section in ("nets", "experiments", "measurements"))
    named = [("datasets", each["data"]) for each in chain(*sections) if each.get("data")]
    used = {*named, *ancestors(config, named)}
    for name, dataset in config["datasets"].items():
        root, built_in = dataset["root"], ":" not in dataset["method"]
        if ("datasets", name) in used and built_in and root and not Path(root).is_dir():
            place = (
                ""
                if Path(dataset["root"]).is_absolute()
                else f", which is relative to {Path.cwd()}"
            )
            sys.exit(
                IN_FILE(
                    f"config: datasets.{name}.root: {dataset['root']}: expected a folder with the images, found none; "
                    f"correct the path{place}"
                )
            )


given, NAMED, IN_FILE = checked(config)
config.clear()  # sections that were replaced by others are gone
config.update(given)
assert_weights_exist("nets")
assert_weights_exist("measurements")
assert_folders_exist()

RESULTS = f"results/{config['run']}"
LOGS = f"logs/{config['run']}"
NETS, EXPERIMENTS, MEASURED = config["nets"], config["experiments"], config["measurements"]
PRINTED, CLAIMS = printed(config), claims_of(config)
DATASETS = config["datasets"]
PLAIN = [name for name in DATASETS if not is_derived(DATASETS[name])]
DERIVED = [name for name in DATASETS if name not in PLAIN]
THREADS = config["machine"]["threads"]
GPU = int(config["machine"]["device"] != "cpu")  # `--resources gpu=1`: one such job at a time

for folder in (RESULTS, LOGS, *(f"resources/{name}" for name in PLAIN)):
    assert_writable(folder)


def what_went_wrong():
    """Return a line for every failed job of this run."""
    return [IN_FILE(line) for line in logs.faults(Path(LOGS), STARTED)]


def what_was_done():
    """Return the lines that end a run: warnings, jobs and their time, disk space, the report."""
    done, now = logs.jobs(Path(LOGS), STARTED), time.time()
    if not done:
        return []
    warned = [IN_FILE(line) for line in logs.warnings(Path(LOGS), STARTED)]
    Path(LOGS, "times.md").write_text(logs.times(done, STARTED, now) + "\n", "utf-8")
    size = sum(file.stat().st_size for file in Path(RESULTS).rglob("*") if file.is_file())
    return [
        *warned,
        logs.summary(done, STARTED, now) + f" ({LOGS}/times.md has all)",
        f"{size / 2**20:.0f} MiB in {RESULTS}; open {RESULTS}/report.html",
    ]
