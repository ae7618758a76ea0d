# `make help` lists what can be made.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help install demo test bench check format lint types floors reproduce-cifar reproduce-mnist reproduce-caffe reproduce-packed reproduce-cheap \
  reproduce-reduced-data reproduce-ensembles clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 28

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

# DATA=folder reads the images from parquet files instead of downloading them.
DATA ?=
IMAGES = $(if $(DATA),data=parquet data.folder=$(DATA),data=$(1))
TABLES = table.csv epochs.csv layer_epochs.csv config.yaml environment.json
BUDGETS = --within 1/4 --within 1/8 --within 1/20
CIFAR_SEARCH = runs/cifar10_frontier
CIFAR_THRESHOLDING = runs/cifar10_thresholding
MNIST_SEARCH = runs/mnist_frontier
CAFFE = runs/caffe_quick

reproduce-cifar: $(INSTALLED)  ## Redo results/cifar10 (DATA=folder of parquet files; about an hour on 2 cores)
	$(BIN)/sparsecnn greedy-search experiment=cifar10_frontier run_dir=$(CIFAR_SEARCH) $(call IMAGES,cifar10)
	$(BIN)/sparsecnn train --multirun experiment=cifar10_thresholding runs_dir=$(CIFAR_THRESHOLDING) \
	  $(call IMAGES,cifar10) model.weights=$(CIFAR_SEARCH)/base_seed0.safetensors \
	  regularizer=l0_projection,threshold_once,threshold_fixed_mask allocation.density=0.3,0.2,0.1,0.05,0.02
	mkdir -p results/cifar10/frontier
	cp $(addprefix $(CIFAR_SEARCH)/,$(TABLES)) results/cifar10/frontier/
	$(BIN)/sparsecnn best $(CIFAR_SEARCH) $(BUDGETS) -o results/cifar10/best.csv
	$(BIN)/sparsecnn table $(CIFAR_THRESHOLDING)/train/* -o results/cifar10/thresholding/table.csv
	$(BIN)/sparsecnn plot-frontier $(CIFAR_SEARCH) --label cifar10_quick --budget 1/20 -o results/cifar10/figure_1
	$(BIN)/sparsecnn plot-layers $(CIFAR_SEARCH) -o results/cifar10/figure_4
	$(BIN)/sparsecnn plot-thresholding $(CIFAR_THRESHOLDING)/train/* -o results/cifar10/figure_5

reproduce-mnist: $(INSTALLED)  ## Redo results/mnist (DATA=folder of parquet files)
	$(BIN)/sparsecnn greedy-search experiment=mnist_frontier run_dir=$(MNIST_SEARCH) $(call IMAGES,mnist)
	mkdir -p results/mnist/frontier
	cp $(addprefix $(MNIST_SEARCH)/,$(TABLES)) results/mnist/frontier/
	$(BIN)/sparsecnn best $(MNIST_SEARCH) $(BUDGETS) -o results/mnist/best.csv
	$(BIN)/sparsecnn plot-frontier $(MNIST_SEARCH) --label lenet --budget 1/20 -o results/mnist/figure_1

reproduce-caffe: $(INSTALLED)  ## Redo results/caffe (DATA=folder of parquet files)
	$(BIN)/sparsecnn train model=cifar10_quick solver=cifar10_quick validation.share=0 seeds=[0,1,2] \
	  run_dir=$(CAFFE) $(call IMAGES,cifar10)
	$(BIN)/sparsecnn table $(CAFFE) -o results/caffe/table.csv

.PHONY: reproduce-filters reproduce-losses
FILTERS = runs/filters
# Beside the one of figure_2_l1: which strength leaves about 12 of the 32 filters, as in the paper?
STRENGTHS = 1e-3 2e-3 4e-3
SHRUNK = $(addprefix $(FILTERS)/strength_,$(STRENGTHS))

reproduce-filters: $(INSTALLED)  ## Redo figure_2 of results/cifar10 (DATA=folder of parquet files; 25 minutes on one core)
	for half in figure_2 figure_2_l1; do $(BIN)/sparsecnn train experiment=$$half run_dir=$(FILTERS)/$$half \
	  $(call IMAGES,cifar10) || exit; done
	for strength in $(STRENGTHS); do $(BIN)/sparsecnn train experiment=figure_2_l1 regularizer.strength=$$strength \
	  run_dir=$(FILTERS)/strength_$$strength $(call IMAGES,cifar10) || exit; done
	$(BIN)/sparsecnn table $(FILTERS)/figure_2 $(FILTERS)/figure_2_l1 $(SHRUNK) -o results/cifar10/filters/table.csv
	$(BIN)/sparsecnn plot-filters $(FILTERS)/figure_2_l1 $(SHRUNK) -o results/cifar10/filters/strengths
	$(BIN)/sparsecnn plot-filters $(FILTERS)/figure_2 $(FILTERS)/figure_2_l1 --label 'weight decay' \
	  --label 'l1 shrinkage' -o results/cifar10/figure_2

CONVERGENCE = figure_3 figure_3_l1 figure_3_l0

reproduce-losses: $(INSTALLED)  ## Redo figure_3 of results/cifar10 (DATA=folder of parquet files; an hour on 2 cores)
	for training in $(CONVERGENCE); do $(BIN)/sparsecnn train experiment=$$training executor=local \
	  run_dir=runs/convergence/$$training $(call IMAGES,cifar10) && \
	  mkdir -p results/cifar10/convergence/$$training && \
	  cp $(foreach table,table.csv losses.csv config.yaml environment.json,runs/convergence/$$training/$(table)) \
	  results/cifar10/convergence/$$training/ || exit; done
	$(BIN)/sparsecnn plot-convergence $(addprefix runs/convergence/,$(CONVERGENCE)) -o results/cifar10/figure_3

# Needs the runs of reproduce-cifar and reproduce-mnist. NNC=--nnc compares with NNC, see benchmarks/nnc/README.md.
NNC =
PACKED = runs/packed
PACK = $(BIN)/sparsecnn pack --table results/packed/packed.csv -q
FINE_TUNED = solver@fine_tune=retrain fine_tune.epochs=1
QUICK = $(CIFAR_SEARCH) --within 1/8
TENTH = $(PACKED)/tenth/seed0.safetensors
TWENTIETH = $(PACKED)/twentieth/seed0.safetensors
RESNET = $(PACKED)/resnet20/seed0.safetensors

reproduce-packed: $(INSTALLED)  ## Redo results/packed after the two searches (DATA=folder of CIFAR's parquet files)
	$(BIN)/sparsecnn train experiment=cifar10_tenth run_dir=$(PACKED)/tenth $(call IMAGES,cifar10) \
	  model.weights=$(CIFAR_SEARCH)/base_seed0.safetensors
	$(BIN)/sparsecnn train experiment=cifar10_tenth run_dir=$(PACKED)/twentieth $(call IMAGES,cifar10) \
	  model.weights=$(CIFAR_SEARCH)/base_seed0.safetensors allocation.density=0.05
	$(BIN)/sparsecnn train experiment=cifar10_resnet20 run_dir=$(PACKED)/resnet20 $(call IMAGES,cifar10)
	mkdir -p results/packed
	$(PACK) $(QUICK) -o $(PACKED)/quick_float32.safetensors
	$(PACK) $(QUICK) -o $(PACKED)/quick_int8.safetensors value=int8
	$(PACK) $(QUICK) -o $(PACKED)/quick_int5.safetensors value=int5 step=0.25 $(FINE_TUNED)
	$(PACK) $(TENTH) -o $(PACKED)/tenth_float32.safetensors
	$(PACK) $(TENTH) -o $(PACKED)/tenth_int5.safetensors value=int5 step=0.25 $(FINE_TUNED)
	$(PACK) $(TWENTIETH) -o $(PACKED)/twentieth_float32.safetensors
	$(PACK) $(RESNET) -o $(PACKED)/resnet20_float32.safetensors
	$(PACK) $(RESNET) -o $(PACKED)/resnet20_int8.safetensors value=int8
	$(PACK) $(RESNET) -o $(PACKED)/resnet20_int8_steps.safetensors value=int8 step=0.1
	$(PACK) $(RESNET) -o $(PACKED)/resnet20_int5.safetensors value=int5 $(FINE_TUNED)
	$(PACK) $(MNIST_SEARCH) --within 1/20 -o $(PACKED)/lenet_float32.safetensors
	$(PACK) $(MNIST_SEARCH) --within 1/20 -o $(PACKED)/lenet_int4.safetensors value=int4
	$(PACK) $(MNIST_SEARCH) --within 1/20 -o $(PACKED)/lenet_codebook15.safetensors value=codebook15
	$(BIN)/sparsecnn inspect $(PACKED)/quick_float32.safetensors -o results/packed/quick_layers.csv
	$(BIN)/sparsecnn evaluate -q $(PACKED)/quick_int5.safetensors $(call IMAGES,cifar10)
	$(BIN)/sparsecnn unpack $(PACKED)/quick_int5.safetensors -o $(PACKED)/unpacked/quick_int5.safetensors
	$(BIN)/sparsecnn export $(PACKED)/quick_int5.safetensors --format c
	$(BIN)/sparsecnn export $(PACKED)/quick_int5.safetensors --format onnx
	$(BIN)/sparsecnn plot-storage $(QUICK) -o results/packed/storage
	$(BIN)/python benchmarks/packed_size.py $(NNC) $(PACKED)/*.safetensors
	for network in tenth twentieth resnet20; do $(BIN)/sparsecnn bench $(PACKED)/$${network}_float32.safetensors \
	  -o results/packed/bench_$$network.csv || exit; done
	$(BIN)/python benchmarks/exports.py $(PACKED)/quick_float32.safetensors $(PACKED)/quick_int5.safetensors \
	  --data $(call IMAGES,cifar10)

CHEAP = runs/cheap
CHEAP_SEARCHES = cifar10_exhaustive cifar10_cheap resnet20_exhaustive resnet20_cheap
# One at a time of what cifar10_cheap takes together, and a fixed support, from the same dense bases.
CHEAP_WAYS = lamp knapsack screening halving fixed_support
AT_A_QUARTER = search.start_memory=1/4 solver@search.start_training=refine search.start_training.epochs=1.5
CHEAP_lamp = search.start=lamp $(AT_A_QUARTER)
CHEAP_knapsack = search.start=knapsack $(AT_A_QUARTER)
CHEAP_screening = search.screen=projected_loss search.screen_keep=0.4
CHEAP_halving = search.halving=0.5 search.halving_after=0.2
CHEAP_fixed_support = regularizer=fixed_support regularizer.projected=0.25
CHEAP_SEARCH = $(BIN)/sparsecnn greedy-search executor=local $(call IMAGES,cifar10)

reproduce-cheap: $(INSTALLED)  ## Redo results/cheap (DATA=folder of CIFAR's parquet files; about six hours on 2 cores)
	for search in $(CHEAP_SEARCHES); do $(CHEAP_SEARCH) experiment=$$search run_dir=$(CHEAP)/$$search || exit; done
	$(foreach way,$(CHEAP_WAYS),$(CHEAP_SEARCH) experiment=cifar10_exhaustive model.weights=$(CHEAP)/cifar10_exhaustive \
	  $(CHEAP_$(way)) run_dir=$(CHEAP)/cifar10_$(way) &&) true
	for search in $(CHEAP_SEARCHES) $(addprefix cifar10_,$(CHEAP_WAYS)); do mkdir -p results/cheap/$$search && \
	  cp $(foreach table,$(TABLES),$(CHEAP)/$$search/$(table)) results/cheap/$$search/ || exit; done
	$(BIN)/python benchmarks/frontiers.py --runs $(CHEAP)
	for network in cifar10 resnet20; do $(BIN)/sparsecnn plot-frontier $(CHEAP)/$${network}_exhaustive \
	  $(CHEAP)/$${network}_cheap --label exhaustive --label cheap -o results/cheap/$$network || exit; done

REDUCED = runs/reduced_data
# With all images about as accurate as the l0 networks, and less sparse.
L1_STRENGTH = 1e-2
REDUCE = $(BIN)/sparsecnn train --multirun experiment=reduced_data runs_dir=$(REDUCED) executor=local \
  $(call IMAGES,cifar10) train_split.share=1,0.5,0.25,0.125,0.0625

reproduce-reduced-data: $(INSTALLED)  ## Redo results/reduced_data (DATA=folder of CIFAR's parquet files; about an hour on 2 cores)
	$(REDUCE) regularizer=none allocation=dense
	$(REDUCE) regularizer=l1_shrinkage_late regularizer.regularizer.strength=$(L1_STRENGTH) allocation=dense
	$(REDUCE)
	mkdir -p results/reduced_data
	$(BIN)/sparsecnn table $(REDUCED)/train/* -o results/reduced_data/table.csv
	$(BIN)/sparsecnn plot-training-data $(REDUCED)/train/* -o results/reduced_data/training_data

ENSEMBLES = runs/ensembles

reproduce-ensembles: $(INSTALLED)  ## Redo results/ensembles (DATA=folder of CIFAR's parquet files; about an hour on 2 cores)
	$(BIN)/sparsecnn ensemble --multirun experiment=ensemble runs_dir=$(ENSEMBLES) executor=local \
	  $(call IMAGES,cifar10) ensemble.networks=1,2,4,8
	mkdir -p results/ensembles
	$(BIN)/sparsecnn table $(ENSEMBLES)/ensemble/* -o results/ensembles/table.csv
	$(BIN)/sparsecnn plot-ensembles $(ENSEMBLES)/ensemble/* -o results/ensembles/ensembles

# CIFAR= and MNIST= are folders of parquet files.
CIFAR ?=
MNIST ?=

bench: $(INSTALLED)  ## Redo the benchmarks of training in results/bench (CIFAR=, MNIST=folders of parquet files; half an hour)
	$(BIN)/python benchmarks/projection.py
	$(BIN)/python benchmarks/pipeline.py
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
