# blindspots: `make help` lists what there is. Everything runs in .venv, set up from requirements.lock.

PYTHON ?= python3
CORES ?= all
PY := .venv/bin/python
READY := .venv/.ready
SNAKEMAKE := $(PY) -m snakemake --cores $(CORES)

.DEFAULT_GOAL := help
.PHONY: help quickstart paper test lint format calibrate results lock clean

help: ## list the commands
	@echo 'blindspots: measure the blind spots of neural networks'
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1@\2/p' Makefile | awk -F@ '{printf "%-18s %s\n", $$1, $$2}'
	@echo 'Start with: make quickstart. More: README.md'

quickstart: $(READY) ## set up, and run everything on the embedded digits (a minute after set-up)
	$(SNAKEMAKE) --configfile presets/digits.yaml
	@echo 'Done. Open the report: results/digits/report.html'

paper: $(READY) ## the paper on MNIST, by config.yaml (about half an hour on 2 cores)
	$(SNAKEMAKE)
	@echo 'Done. Open the report: results/paper/report.html'

test: $(READY) ## set up, and run the tests
	$(PY) -m pytest
	@echo 'All tests passed. What they assert: tests/'

lint: $(READY) ## check style, types, the workflow and its format
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m snakefmt --check Snakefile rules
	$(PY) -m snakemake --lint
	@echo 'No complaints. What is checked: pyproject.toml'

format: $(READY) ## lay the code out as `make lint` wants it
	$(PY) -m ruff check --fix-only .
	$(PY) -m ruff format .
	$(PY) -m snakefmt Snakefile rules
	@echo 'Done. What changed: git diff'

calibrate: $(READY) ## fit decay_scale to the FC10 training errors of Table 1
	$(PY) -m blindspots calibrate config.yaml
	@echo 'Done. Set decay_scale in config.yaml to use it'

results: paper ## write the tables of `make paper` into docs/RESULTS.md
	$(PY) -m blindspots results config.yaml docs/RESULTS.md
	@echo 'Done. See docs/RESULTS.md'

lock: $(READY) ## renew requirements.lock from pyproject.toml
	$(PY) -m uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --upgrade --custom-compile-command 'make lock' \
	  --quiet --output-file requirements.lock
	@echo 'Done. See git diff requirements.lock'

clean: ## remove .venv and caches; results, and what Snakemake knows of them, stay
	rm -f $(READY)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@echo 'Done. Results are still in results/'

# Made anew from nothing whenever the lock changed or an earlier set-up was interrupted: the mark is
# the last thing written, so what lies in .venv without it is never trusted.
$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and \
	  f"$(PYTHON): expected Python 3.11 or newer, found {v[0]}.{v[1]}; try make PYTHON=python3.12 …")'
	@echo 'Setting up .venv from requirements.lock: about 2 minutes and 7 GB, mostly PyTorch'
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $(READY)
