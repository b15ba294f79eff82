"""What every script needs of a job: a log, provenance, and an end in one line on bad input."""

import sys
import traceback
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

from tqdm import tqdm

import blindspots
from blindspots.interface import InputError
from blindspots.provenance import commit, settings_hash


@contextmanager
def job(snakemake):
    """Send messages to the job's log; say bad input in one line, there and on the terminal."""
    imported, workflow = Path(blindspots.__file__).parents[1], Path(snakemake.scriptdir).parent
    if not imported.samefile(workflow):
        sys.exit(
            f"blindspots was imported from {imported}, expected {workflow}; uninstall the other"
        )
    with Path(snakemake.log[0]).open("w", buffering=1, encoding="utf-8") as log:
        try:
            with redirect_stderr(log):
                yield
        except InputError as error:
            job_name = " ".join([snakemake.rule, *snakemake.wildcards])
            message = f"{job_name}: {' '.join(str(error).split())}"
            print(f"bad input: {message}", file=log)  # repeated at the end of the run
            sys.exit(message)
        except Exception:
            log.write(traceback.format_exc())
            raise


@contextmanager
def progress_bar(label):
    """A bar on the terminal, and nothing where there is none; yields what a trainer calls."""
    with tqdm(
        desc=label, unit=" iterations", file=sys.__stderr__, disable=None, leave=False
    ) as bar:

        def show(row):
            bar.update(row["iteration"] - bar.n)
            bar.set_postfix(
                {key: f"{row[key]:.4g}" for key in ("loss", "error") if key in row}, refresh=False
            )

        yield show


def provenance(snakemake) -> dict[str, str]:
    """What a result's file says of its origin: the commit, and a hash of the settings used."""
    return {"commit": commit(), "settings": settings_hash(dict(snakemake.params))}
