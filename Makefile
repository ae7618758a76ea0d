# `make help` lists what can be made.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help install demo test check format lint types floors reproduce-cifar clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 28

install: $(INSTALLED)  ## Make .venv and install the package in it

$(INSTALLED): pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v < (3, 14) else "Python 3.11 to 3.13 is needed, found %d.%d: make PYTHON=python3.12" % v[:2])'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar off -e '.[dev]'
	touch $@

demo: $(INSTALLED)  ## Train, search and draw the frontier of scanned digits (about 2 minutes)
	@$(BIN)/sparsecnn greedy-search experiment=demo
	@$(BIN)/sparsecnn plot-frontier runs/demo

test: $(INSTALLED)  ## Run the tests
	$(BIN)/python -m pytest -n 2 --cov --cov-fail-under=90

format: $(INSTALLED)  ## Format the code in place
	$(BIN)/ruff format sparsecnn tests benchmarks
	$(BIN)/ruff check --fix sparsecnn tests benchmarks

lint: $(INSTALLED)  ## Check format and lint
	$(BIN)/ruff format --check sparsecnn tests benchmarks
	$(BIN)/ruff check sparsecnn tests benchmarks

types: $(INSTALLED)  ## Check types
	$(BIN)/mypy

floors: $(INSTALLED)  ## Check that imports go down only
	$(BIN)/lint-imports

check: lint types floors test  ## All checks, as CI runs them

clean:  ## Remove the environment, caches and the demo's run
	rm -rf $(VENV) runs/demo .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage*
