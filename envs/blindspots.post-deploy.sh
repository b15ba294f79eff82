#!/bin/bash
# Snakemake runs this once in the environment that it has made. After a change of the lock, remove the
# old environment by `snakemake --conda-cleanup-envs`.
set -euo pipefail
cd "$(dirname "$0")/.."
python -m pip install --quiet --require-hashes -r requirements.lock
