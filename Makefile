# `make help` lists what can be made.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help install demo test bench check format lint types floors clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 33

install: $(INSTALLED)  ## Make .venv and install the package in it

$(INSTALLED): pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v < (3, 14) else "Python 3.11 to 3.13 is needed, found %d.%d: make PYTHON=python3.12" % v[:2])'
	@echo "Installing into $(VENV): some minutes, about 6 GB"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar off -e '.[dev]'
	touch $@

demo: $(INSTALLED)  ## Train, search and draw the frontier of scanned digits (under a minute)
	$(BIN)/sparsecnn train experiment=demo_dense
	$(BIN)/sparsecnn greedy-search experiment=demo >/dev/null
	$(BIN)/sparsecnn plot-frontier runs/demo --budget 1/20

include results/reproduce.mk

bench: $(INSTALLED)  ## Redo the benchmarks of training in results/bench (CIFAR=, MNIST=folders of parquet files; an hour)
	$(BIN)/python benchmarks/projection.py
	$(BIN)/python benchmarks/pipeline.py
	$(BIN)/python benchmarks/precision.py
	$(BIN)/python benchmarks/fixed_support.py
	$(BIN)/python benchmarks/candidates.py --cifar $(CIFAR) --mnist $(MNIST)
	$(BIN)/python benchmarks/cluster.py --mnist $(MNIST)
	$(BIN)/python benchmarks/picture.py

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
	rm -rf $(VENV) runs/demo runs/demo_dense .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage*
