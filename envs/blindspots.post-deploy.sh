#!/bin/bash
# Snakemake runs this once, from the folder that it was started in, in the environment that it has
# made. After a change of the lock, remove the old environment by `snakemake --conda-cleanup-envs`.
# Not tried: no conda channel could be reached where this was written.
set -euo pipefail
if [ ! -f requirements.lock ]; then
  echo "expected requirements.lock in $PWD, found none; start Snakemake in the Snakefile's folder" >&2
  exit 1
fi
python -m pip install --quiet --require-hashes -r requirements.lock
