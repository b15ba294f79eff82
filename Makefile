# blindspots: `make help` lists what there is. Everything runs in .venv, set up from requirements.lock.

PYTHON ?= python3
CORES ?= all
PY := .venv/bin/python
READY := .venv/.ready
PEERS := .venv-peers/.ready
NUMERIC := $(addprefix tests/,attacks bounds certificates models optim threat trainers measurements test_exact_truth.py)
SNAKEMAKE := $(PY) -m snakemake --cores $(CORES)
PAPER ?= szegedy2013
RUN ?=
# The configs of a paper's run, as its claims.yaml has them; of its first where none is named.
configs_of = $(PY) -m blindspots claims papers/$(1)/claims.yaml --configs $(2)

.DEFAULT_GOAL := help
.PHONY: help quickstart paper papers claims test test-widths test-slow test-gpu test-ci lint format calibrate results results-replicates results-norms results-units results-adversarial results-search results-pockets results-overlap results-architectures api docs bench lock vendor clean

help: ## list the commands
	@echo 'blindspots: measure the blind spots of neural networks'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1@\2/p' Makefile | awk -F@ '{printf "%-30s %s\n", $$1, $$2}'
	@echo 'Start with: make quickstart. More: README.md'

quickstart: $(READY) ## set up, and run everything on the embedded digits (under half a minute after set-up)
	$(SNAKEMAKE) --configfile presets/digits.yaml
	@echo 'Done. Open the report: results/digits/report.html'

paper: $(READY) ## a paper's run: PAPER=szegedy2013 (the default), another of its runs: RUN=replicates
	@configs=$$($(call configs_of,$(PAPER),$(RUN))) && $(SNAKEMAKE) --configfile $$configs
	@echo 'Done. Open the report; what became of all claims: make claims'

papers: $(READY) ## the first run of every paper
	for file in papers/*/claims.yaml; do $(MAKE) paper PAPER=$$(basename $$(dirname $$file)) RUN= || exit 1; done

claims: $(READY) ## hold the claims of all papers against the runs that are there, into docs/CLAIMS.md
	$(PY) -m blindspots claims docs/CLAIMS.md
	@echo 'Done. See docs/CLAIMS.md'

test: $(READY) ## set up, and run the tests
	$(PY) -m pytest
	@echo 'All tests passed. What they assert: tests/'

test-widths: $(READY) ## the numeric tests as on processors with shorter vectors: no result may hang on them
	for width in avx2 default; do ATEN_CPU_CAPABILITY=$$width $(PY) -m pytest -q $(NUMERIC) || exit 1; done
	@echo 'All numeric tests passed.'

test-slow: $(READY) ## the tests that take more than a minute each
	$(PY) -m pytest -m slow
	@echo 'All slow tests passed.'

test-gpu: $(READY) ## the tests that need a GPU; where there is none, a line that says so
	@if $(PY) -c 'import torch; raise SystemExit(not torch.cuda.is_available())'; then $(PY) -m pytest -m gpu; \
	  else echo 'No GPU was found: no test was run.'; fi

test-ci: $(READY) ## the slow tests that every change must pass
	$(PY) -m pytest -m 'slow and ci'
	@echo 'All slow tests of CI passed.'

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

calibrate: $(READY) ## fit decay_factor to the FC10 training errors of Table 1
	$(PY) -m blindspots calibrate config.yaml decay_factor FC10-1e-4=6.7 FC10-1e-2=10 FC10-1=21.2
	@echo 'Done. Set decay_factor of the trainers in config.yaml to use it'

results: $(READY) ## run the paper's Tables 1 to 4, also as its words have them, and write both into docs/RESULTS.md
	$(MAKE) paper PAPER=szegedy2013 RUN=paper
	$(MAKE) paper PAPER=szegedy2013 RUN=as-printed
	$(PY) -m blindspots results $$($(call configs_of,szegedy2013,paper)) docs/RESULTS.md --beside as-printed \
	  --figures table2 table4 curves-cross-model distortions-cross-model robustness-cross-model \
	  --note 'The same with five seeds: [REPLICATES.md](REPLICATES.md).'
	@echo 'Done. See docs/RESULTS.md'

results-replicates: $(READY) ## the same with five seeds, into docs/REPLICATES.md: five times the trainings
	$(MAKE) paper PAPER=szegedy2013 RUN=replicates
	$(PY) -m blindspots results $$($(call configs_of,szegedy2013,replicates)) docs/REPLICATES.md \
	  --note 'Five seeds. One seed, other readings of the paper, and figures: [RESULTS.md](RESULTS.md).'
	@echo 'Done. See docs/REPLICATES.md'

results-norms: $(READY) ## section 4.3, a penalty on the norms, into docs/NORMS.md
	$(MAKE) paper PAPER=szegedy2013 RUN=norms
	$(PY) -m blindspots results $$($(call configs_of,szegedy2013,norms)) docs/NORMS.md
	@echo 'Done. See docs/NORMS.md, and results/norms/report.html'

results-units: $(READY) ## section 3, units against directions, into docs/UNITS.md
	$(MAKE) paper PAPER=szegedy2013 RUN=units
	$(PY) -m blindspots results $$($(call configs_of,szegedy2013,units)) docs/UNITS.md --figures figure1 figure2 purity
	@echo 'Done. See docs/UNITS.md, and results/units/report.html'

results-adversarial: $(READY) ## section 4.2, training on adversarial examples, five seeds, into docs/ADVERSARIAL.md
	$(MAKE) paper PAPER=szegedy2013 RUN=adversarial
	$(PY) -m blindspots results $$($(call configs_of,szegedy2013,adversarial)) docs/ADVERSARIAL.md --figures learning
	@echo 'Done. See docs/ADVERSARIAL.md'

results-search: $(READY) ## the search for the settings of that training, into docs/ADVERSARIAL-SEARCH.md
	$(MAKE) paper PAPER=szegedy2013 RUN=adversarial-sweep
	$(PY) -m blindspots results $$($(call configs_of,szegedy2013,adversarial-sweep)) docs/ADVERSARIAL-SEARCH.md
	@echo 'Done. See docs/ADVERSARIAL-SEARCH.md'

results-pockets: $(READY) ## section 4, adversarial examples as pockets, into docs/POCKETS.md
	$(MAKE) paper PAPER=szegedy2013 RUN=pockets
	$(PY) -m blindspots results $$($(call configs_of,szegedy2013,pockets)) docs/POCKETS.md --figures pockets pockets-in-box
	@echo 'Done. See docs/POCKETS.md'

results-overlap: $(READY) ## section 4.2, transfer by the share of common training images, five seeds, into docs/OVERLAP.md
	$(MAKE) paper PAPER=szegedy2013 RUN=overlap
	$(PY) -m blindspots results $$($(call configs_of,szegedy2013,overlap)) docs/OVERLAP.md --figures overlap
	@echo 'Done. See docs/OVERLAP.md'

results-architectures: $(READY) ## section 4.2, transfer across architectures, three seeds, into docs/ARCHITECTURES.md
	$(MAKE) paper PAPER=szegedy2013 RUN=architectures
	$(PY) -m blindspots results $$($(call configs_of,szegedy2013,architectures)) docs/ARCHITECTURES.md --figures distance
	@echo 'Done. See docs/ARCHITECTURES.md'

api: $(READY) ## write the pages of the library's functions into docs/api, which git ignores
	$(PY) -m docs.api
	@echo 'Done. Open docs/api/index.html'

docs: api ## that, and renew what documents show of the project: graph of the rules, attacks, times, screenshots
	$(PY) -m docs.renew
	@echo 'Done. See git diff README.md docs'

bench: $(READY) $(PEERS) ## compare the attacks with public ones on MNIST, into docs/BENCHMARK.md (about an hour)
	$(SNAKEMAKE) --configfile presets/benchmark.yaml
	$(PY) -m benchmarks.attacks --peers .venv-peers/bin/python --docs docs
	@echo 'Done. See docs/BENCHMARK.md; the tables are in benchmarks/out'

lock: $(READY) ## renew requirements.lock from pyproject.toml, and the lock of the benchmark's peers
	$(PY) -m uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --upgrade --custom-compile-command 'make lock' \
	  --quiet --output-file requirements.lock
	$(PY) -m uv pip compile benchmarks/requirements.in --universal --python-version 3.11 \
	  --build-constraints benchmarks/build-constraints.txt --generate-hashes --no-emit-index-url \
	  --upgrade --custom-compile-command 'make lock' --quiet --output-file benchmarks/requirements.lock
	@echo 'Done. See git diff requirements.lock'

# DataTables is released on npm only. It is in every report, so the one file is kept here, with its licence.
DATATABLES := 3.1.5
vendor: ## fetch the report's DataTables anew (needs npm)
	cd reports/vendor/datatables && npm pack --silent datatables.net@$(DATATABLES) && \
	  tar -xzf datatables.net-$(DATATABLES).tgz --strip-components 1 package/License.txt && \
	  tar -xzf datatables.net-$(DATATABLES).tgz --strip-components 2 package/js/dataTables.min.js && \
	  rm datatables.net-$(DATATABLES).tgz
	@echo 'Done. See git diff reports/vendor'

clean: ## remove .venv and caches; results, and what Snakemake knows of them, stay
	rm -f $(READY) $(PEERS)
	rm -rf .venv .venv-peers .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@echo 'Done. Results are still in results/'

# Made anew from nothing whenever the lock changed or an earlier set-up was interrupted: the mark is
# the last thing written, so what lies in .venv without it is never trusted.
$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and \
	  f"$(PYTHON): expected Python 3.11 or newer, found {v[0]}.{v[1]}; try make PYTHON=python3.12 …")'
	@echo 'Setting up .venv from requirements.lock: some minutes and about 7 GB, mostly PyTorch'
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

# The attacks that ours are compared with, in an environment of their own: they pin old libraries.
$(PEERS): benchmarks/requirements.lock | $(READY)
	@echo 'Setting up .venv-peers from benchmarks/requirements.lock: some minutes and about 6 GB'
	rm -rf .venv-peers
	$(PY) -m venv .venv-peers
	$(PY) -m uv pip install --quiet --python .venv-peers/bin/python --require-hashes \
	  --build-constraints benchmarks/build-constraints.txt -r benchmarks/requirements.lock
	@touch $(PEERS)
