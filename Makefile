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

demo: $(INSTALLED)  ## Train, search and draw the frontier of scanned digits (about a minute)
	$(BIN)/sparsecnn train experiment=demo_dense
	$(BIN)/sparsecnn greedy-search experiment=demo >/dev/null
	$(BIN)/sparsecnn plot-frontier runs/demo --budget 1/20

# DATA=folder reads CIFAR-10 from parquet files instead of downloading it.
DATA ?=
CIFAR = $(if $(DATA),data=parquet data.folder=$(DATA),data=cifar10)
FRONTIER = runs/cifar10_frontier
THRESHOLDING = runs/cifar10_thresholding

reproduce-cifar: $(INSTALLED)  ## Redo results/cifar10 (DATA=folder of parquet files; about 75 minutes on 2 cores)
	$(BIN)/sparsecnn greedy-search experiment=cifar10_frontier run_dir=$(FRONTIER) $(CIFAR)
	$(BIN)/sparsecnn train --multirun experiment=cifar10_thresholding runs_dir=$(THRESHOLDING) $(CIFAR) \
	  model.weights=$(FRONTIER)/base_seed0.safetensors \
	  regularizer=l0_projection,threshold_once,threshold_fixed_mask allocation.density=0.3,0.2,0.1,0.05,0.02
	mkdir -p results/cifar10/frontier
	cp $(addprefix $(FRONTIER)/,table.csv epochs.csv layer_epochs.csv config.yaml environment.json) results/cifar10/frontier/
	$(BIN)/sparsecnn table $(THRESHOLDING)/train/* -o results/cifar10/thresholding/table.csv
	$(BIN)/sparsecnn plot-frontier $(FRONTIER) --label cifar10_quick --budget 1/20 -o results/cifar10/figure_1
	$(BIN)/sparsecnn plot-layers $(FRONTIER) -o results/cifar10/figure_4
	$(BIN)/sparsecnn plot-thresholding $(THRESHOLDING)/train/* -o results/cifar10/figure_5

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
