# The commands of this project. `make` alone lists them.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
RUN := .venv/bin
# Each process that a test starts would compile everything anew: two seconds of six.
unexport PYTHONDONTWRITEBYTECODE
# Where nobody watches, what fails is tried once more, and told by name in either case: it has to be mended.
AGAIN := $(if $(CI),--reruns 1 -rfER)
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate setup.cfg

.PHONY: help demo test walks check texts bench faults lock bootstrap bootstrap-test

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name text; do printf '%-14s %s\n' "$$name" "$$text"; done
	@echo
	@echo '  Variables: PORT (8000), PYTHON (python3), BACKOFFICE_DATA_DIR (var), ROWS and BENCH_DATA_DIR (bench),'
	@echo '  FAULT_SECONDS and FAULT_SEED (faults), GRAPHS (schools that tests/privacy/erasure/test_graphs.py erases)'

# exec, so that a signal to make reaches the demo, which stops everything in order.
demo: bootstrap ## the whole product with demo data on http://localhost:8000
	@exec $(RUN)/backoffice demo

test: check ## everything that must pass, from a fresh machine on; of the longest walks a third, by turns
	@TURN="$$(git rev-list --count HEAD 2>/dev/null)" $(RUN)/python -m pytest -q -n 3 --dist loadscope --no-loadscope-reorder --ignore=tests/bench --ignore=tests/faults $(AGAIN)

walks: bootstrap-test ## the longest walks whole: before a release, and where their ground has changed
	@$(RUN)/python -m pytest -q -n 3 --dist loadscope -m by_turns

check: bootstrap-test ## style, types and layers only
	@$(RUN)/ruff check
	@$(RUN)/ruff format --check
	@$(RUN)/mypy
	@$(RUN)/lint-imports --config config/importlinter.ini

texts: bootstrap ## write all texts into the catalogues, and say which wait for a translation
	@$(RUN)/python -m backoffice.language

bench: bootstrap-test ## the table of benchmarks beside their floors (ROWS=1000000 for the full one)
	@if [ -d tests/bench ]; then exec $(RUN)/python -m pytest -q -s tests/bench; else echo 'There are no benchmarks in tests/bench.'; fi

faults: bootstrap-test ## kills, storms and very large runs, each with its seed
	@if [ -d tests/faults ]; then exec env GRAPHS=$${GRAPHS:-300} $(RUN)/python -m pytest -q -s tests/faults tests/privacy/erasure/test_graphs.py; else echo 'There are no fault runs in tests/faults.'; fi

lock: ## write the locked dependencies anew from setup.cfg (needs uv)
	@command -v uv >/dev/null || { echo 'uv is missing: https://docs.astral.sh/uv says how to install it.'; exit 1; }
	$(LOCK) --output-file requirements.txt
	$(LOCK) --extra test --output-file requirements-test.txt

bootstrap:
	@bin/bootstrap

bootstrap-test:
	@bin/bootstrap test
