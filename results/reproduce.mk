# What redoes the tables and figures of this folder; the Makefile includes it, and `make help` lists it.
#
# CIFAR=folder and MNIST=folder read parquet files instead of downloading, TINY=folder is Tiny ImageNet, which is never
# downloaded; DATA=folder is for targets with one data set.
# PRECISION=bfloat16: faster where the processor multiplies such numbers; the numbers are others.
# FAST=1 is a first look, `make reproduce FAST=1` within five minutes: one seed, few images, short trainings, in runs/fast;
# its numbers say nothing.
# A target that was stopped is given again and goes on. Times are of 2 cores.
DATA ?=
CIFAR ?= $(DATA)
MNIST ?= $(DATA)
TINY ?= $(DATA)
FAST ?=
PRECISION ?=

RUNS := $(if $(FAST),runs/fast,runs)
KEPT := $(if $(FAST),runs/fast/results,results)
SPARSECNN = $(BIN)/sparsecnn
SET_PRECISION = $(if $(PRECISION),precision=$(PRECISION))
READ_CIFAR = $(if $(CIFAR),data=parquet data.folder=$(CIFAR),data=cifar10) $(SET_PRECISION)
READ_MNIST = $(if $(MNIST),data=parquet data.folder=$(MNIST),data=mnist) $(SET_PRECISION)
fast = $(if $(FAST),$(1))
FEW_IMAGES = train_split.share=0.05 validation.share=0.02
# $(call first_look,OVERRIDES): one seed and few images, and these overrides.
first_look = $(call fast,seeds=[0] $(FEW_IMAGES) $(1))
# For one small network, to start other processes takes longer than they save.
EXECUTOR = executor=$(if $(FAST),serial,local)
comma := ,
commas = $(subst $() ,$(comma),$(strip $(1)))
say = @echo "$(@:say-%=%): $(if $(FAST),a first look of minutes; its numbers say nothing,$(1) on 2 cores); given again, it goes on"
slow = $(if $(FAST),$(error $@ has no first look, leave out FAST)) $(say)

TABLES = table.csv epochs.csv layer_epochs.csv config.yaml environment.json
# Of a search whose candidates are many, of which a picture takes a few columns.
LARGE_TABLE = table.parquet config.yaml environment.json
# $(call keep,RUN,FOLDER,TABLES): into results, without the place of this machine's data.
data_of = $(if $(or $(findstring mnist,$(1)),$(findstring reduced,$(1))),MNIST,$(if $(findstring alexnet,$(1)),TINY,CIFAR))
MNIST_NAME = mnist
TINY_NAME = tiny-imagenet-50
CIFAR_NAME = cifar10
keep = mkdir -p $(KEPT)/$(2) && cp $(addprefix $(RUNS)/$(1)/,$(3)) $(KEPT)/$(2)/ && sed -i.old $(foreach \
  data,$(call data_of,$(2)),$(if $($(data)),-e 's:$($(data)):data/$($(data)_NAME):')) -e '' $(KEPT)/$(2)/config.yaml \
  $(KEPT)/$(2)/environment.json && rm $(KEPT)/$(2)/*.old
# $(call keep_first,RUNS,FOLDER): how the first of several runs was configured; the others differ in what is swept.
keep_first = $(call keep,$(1)/$$(ls $(RUNS)/$(1) | head -n 1),$(2),config.yaml environment.json)
BUDGETS = $(if $(FAST),--within 1/2,--within 1/4 --within 1/8 --within 1/20)
SMALLEST = $(if $(FAST),1/2,1/20)

FIGURES = reproduce-filters reproduce-losses reproduce-thresholding reproduce-ensembles reproduce-reduced-data
WITH_FIRST_LOOK = reproduce-caffe reproduce-cifar reproduce-mnist reproduce-networks $(if $(TINY),reproduce-alexnet)
WITHOUT_FIRST_LOOK = reproduce-memory reproduce-packed reproduce-cheap reproduce-table

.PHONY: reproduce reproduce-figures say-reproduce say-reproduce-figures
ONE_FOLDER = @test -z "$(DATA)" || { echo 'Say CIFAR=folder and MNIST=folder: DATA= is for targets with one data set'; exit 2; }
say-reproduce:
	$(ONE_FOLDER)
	$(call say,about 15 hours)
	$(if $(TINY),,@echo 'without reproduce-alexnet, which wants TINY=folder')
say-reproduce-figures:
	$(ONE_FOLDER)
	$(call say,about 4 hours)
reproduce-figures: say-reproduce-figures $(FIGURES)  ## Redo figures 2, 3, 5, the ensembles and the reduced data (CIFAR=, MNIST=folders; about 4 hours)
reproduce: say-reproduce $(FIGURES) $(WITH_FIRST_LOOK) $(if $(FAST),,$(WITHOUT_FIRST_LOOK))  ## Redo all of results but bench and operators (CIFAR=, MNIST=, TINY=folders; 15 hours)

# Figures 1 and 4. The dense network is trained for twice as long, too: about as long as the smallest ones in all, or longer.
.PHONY: reproduce-cifar reproduce-mnist reproduce-networks reproduce-caffe
FAST_SEARCH = $(call first_look,solver.epochs=2 tighten.share=0.4 search.target_memory=1/2)

reproduce-cifar: $(INSTALLED)  ## Redo figures 1 and 4 of cifar10_quick (CIFAR=folder of parquet files; three hours)
	$(call say,about three hours)
	$(SPARSECNN) greedy-search experiment=cifar10_frontier $(EXECUTOR) run_dir=$(RUNS)/cifar10_frontier \
	  $(READ_CIFAR) $(FAST_SEARCH)
	$(call keep,cifar10_frontier,cifar10/frontier,$(TABLES))
	$(SPARSECNN) train experiment=cifar10_dense $(EXECUTOR) run_dir=$(RUNS)/cifar10_longer seeds=[0,1,2] solver.epochs=60 \
	  $(READ_CIFAR) $(call first_look,solver.epochs=4)
	$(call keep,cifar10_longer,cifar10/longer,table.csv config.yaml environment.json)
	$(SPARSECNN) best $(RUNS)/cifar10_frontier $(BUDGETS) -o $(KEPT)/cifar10/best.csv
	$(SPARSECNN) plot-frontier $(RUNS)/cifar10_frontier --label cifar10_quick --budget $(SMALLEST) -o $(KEPT)/cifar10/figure_1
	$(SPARSECNN) plot-layers $(RUNS)/cifar10_frontier -o $(KEPT)/cifar10/figure_4

reproduce-mnist: $(INSTALLED)  ## Redo figure 1 of LeNet (MNIST=folder of parquet files; half an hour)
	$(call say,about half an hour)
	$(SPARSECNN) greedy-search experiment=mnist_frontier $(EXECUTOR) run_dir=$(RUNS)/mnist_frontier \
	  $(READ_MNIST) $(FAST_SEARCH)
	$(call keep,mnist_frontier,mnist/frontier,$(TABLES))
	$(SPARSECNN) train experiment=mnist_dense $(EXECUTOR) run_dir=$(RUNS)/mnist_longer seeds=[0,1,2] solver.epochs=40 \
	  $(READ_MNIST) $(call first_look,solver.epochs=4)
	$(call keep,mnist_longer,mnist/longer,table.csv config.yaml environment.json)
	$(SPARSECNN) best $(RUNS)/mnist_frontier $(BUDGETS) -o $(KEPT)/mnist/best.csv
	$(SPARSECNN) plot-frontier $(RUNS)/mnist_frontier --label lenet --budget $(SMALLEST) -o $(KEPT)/mnist/figure_1

reproduce-networks: $(INSTALLED)  ## Redo figure 1 of cifar10_full (CIFAR=folder of parquet files; an hour)
	$(call say,about an hour)
	$(SPARSECNN) greedy-search experiment=cifar10_full_frontier $(EXECUTOR) run_dir=$(RUNS)/cifar10_full_frontier \
	  $(READ_CIFAR) $(FAST_SEARCH)
	$(call keep,cifar10_full_frontier,networks/cifar10_full,$(TABLES))
	$(SPARSECNN) plot-frontier $(RUNS)/cifar10_full_frontier --label cifar10_full -o $(KEPT)/networks/cifar10_full_frontier

.PHONY: reproduce-table
reproduce-table: $(INSTALLED)  ## Redo the tables of docs/paper.md from the kept tables of runs (seconds)
	$(call slow,seconds)
	$(BIN)/python benchmarks/paper_tables.py

reproduce-caffe: $(INSTALLED)  ## Redo the dense network of Caffe's recipe (CIFAR=folder of parquet files; 40 minutes)
	$(call say,about 40 minutes)
	$(SPARSECNN) train model=cifar10_quick solver=cifar10_quick validation.share=0 seeds=[0,1,2] $(EXECUTOR) \
	  run_dir=$(RUNS)/caffe_quick $(READ_CIFAR) $(call fast,seeds=[0] train_split.share=0.05 solver.steps=20)
	$(SPARSECNN) table $(RUNS)/caffe_quick -o $(KEPT)/caffe/table.csv

# What CaffeNet's 58 MB are
.PHONY: reproduce-memory
reproduce-memory: $(INSTALLED)  ## Redo results/memory (seconds)
	$(SPARSECNN) memory model=caffenet target=58MiB -o $(KEPT)/memory/caffenet_58MiB.csv

# Figure 2
.PHONY: reproduce-filters
FILTERS = $(RUNS)/filters
FILTER_SEEDS = $(if $(FAST),0,0 1 2)
# Which strength leaves about 12 of the 32 filters, as in the paper? The one of figure_2_l1, as it is.
STRENGTHS = $(if $(FAST),,1e-3 2e-3 3e-3) 4e-3
CHOSEN_STRENGTH = 4e-3
FILTER = $(SPARSECNN) train $(EXECUTOR) $(READ_CIFAR) $(call first_look,solver.steps=20)

reproduce-filters: $(INSTALLED)  ## Redo figure 2 (CIFAR=folder of parquet files; 25 minutes)
	$(call say,about 25 minutes)
	$(FILTER) experiment=figure_2 run_dir=$(FILTERS)/decay
	for strength in $(STRENGTHS); do $(FILTER) experiment=figure_2_l1 regularizer.strength=$$strength \
	  run_dir=$(FILTERS)/l1_$$strength || exit; done
	$(call keep,filters/l1_$(CHOSEN_STRENGTH),cifar10/filters,config.yaml environment.json)
	$(SPARSECNN) table $(FILTERS)/decay $(addprefix $(FILTERS)/l1_,$(STRENGTHS)) -o $(KEPT)/cifar10/filters/table.csv
	$(SPARSECNN) plot-filters $(foreach strength,$(STRENGTHS),$(foreach seed,$(FILTER_SEEDS),--label \
	  'strength $(strength)$(comma) seed $(seed)' $(FILTERS)/l1_$(strength)/seed$(seed).safetensors)) -o $(KEPT)/cifar10/filters/strengths
	$(SPARSECNN) plot-filters $(FILTERS)/decay $(FILTERS)/l1_$(CHOSEN_STRENGTH) --label 'weight decay' \
	  --label 'l1 shrinkage$(comma) strength $(CHOSEN_STRENGTH)' -o $(KEPT)/cifar10/figure_2

# Figure 3
.PHONY: reproduce-losses
CONVERGENCE = figure_3 figure_3_l1 figure_3_l0 figure_3_l0_tenth

reproduce-losses: $(INSTALLED)  ## Redo figure 3 (CIFAR=folder of parquet files; an hour)
	$(call say,about an hour)
	for training in $(CONVERGENCE); do $(SPARSECNN) train experiment=$$training $(EXECUTOR) \
	  run_dir=$(RUNS)/convergence/$$training $(READ_CIFAR) $(call fast,$(FEW_IMAGES) seeds=[$(call commas,0 1)] solver.steps=20) && \
	  $(call keep,convergence/$$training,cifar10/convergence/$$training,table.csv losses.csv config.yaml environment.json) \
	  || exit; done
	$(SPARSECNN) plot-convergence $(addprefix $(RUNS)/convergence/,$(CONVERGENCE)) --label none \
	  --label 'l1 shrinkage' --label 'l0 projection, density 0.45' --label 'l0 projection, density 0.1' -o $(KEPT)/cifar10/figure_3

# Figure 5
.PHONY: reproduce-thresholding
THRESHOLDING = $(RUNS)/cifar10_thresholding
REGULARIZERS = l0_projection,l0_every_10,l0_every_100,threshold_once,threshold_fixed_mask
DENSITIES = $(call commas,$(if $(FAST),0.3 0.05,0.4 0.3 0.2 0.14 0.1 0.07 0.04 0.02))

reproduce-thresholding: $(INSTALLED)  ## Redo figure 5 (CIFAR=folder of parquet files; an hour)
	$(call say,about an hour)
	$(SPARSECNN) train experiment=cifar10_dense $(EXECUTOR) run_dir=$(RUNS)/cifar10_dense $(READ_CIFAR) \
	  $(call first_look,solver.steps=20)
	$(SPARSECNN) train --multirun experiment=cifar10_thresholding $(EXECUTOR) runs_dir=$(THRESHOLDING) \
	  $(READ_CIFAR) model.weights=$(RUNS)/cifar10_dense regularizer=$(REGULARIZERS) allocation.density=$(DENSITIES) \
	  $(call first_look,solver.steps=10)
	$(call keep_first,cifar10_thresholding/train,cifar10/thresholding)
	$(SPARSECNN) table $(THRESHOLDING)/train/* -o $(KEPT)/cifar10/thresholding/table.csv
	$(SPARSECNN) table $(THRESHOLDING)/train/* --of layer_epochs -o $(KEPT)/cifar10/thresholding/layer_epochs.csv >/dev/null
	$(SPARSECNN) plot-thresholding $(THRESHOLDING)/train/* -o $(KEPT)/cifar10/figure_5
	$(SPARSECNN) plot-turnover $(THRESHOLDING)/train/* -o $(KEPT)/cifar10/figure_5_turnover

# Ensembles, and less training data
.PHONY: reproduce-ensembles reproduce-reduced-data
ENSEMBLES = $(RUNS)/ensembles

reproduce-ensembles: $(INSTALLED)  ## Redo results/ensembles (CIFAR=folder of parquet files; an hour)
	$(call say,about an hour)
	$(SPARSECNN) ensemble --multirun experiment=ensemble runs_dir=$(ENSEMBLES) $(EXECUTOR) $(READ_CIFAR) \
	  ensemble.networks=$(call commas,1 2 $(if $(FAST),,4 8)) $(call first_look,solver.steps=10)
	$(call keep_first,ensembles/ensemble,ensembles)
	$(SPARSECNN) table $(ENSEMBLES)/ensemble/* -o $(KEPT)/ensembles/table.csv
	$(SPARSECNN) plot-ensembles $(ENSEMBLES)/ensemble/* -o $(KEPT)/ensembles/ensembles

REDUCED = $(RUNS)/reduced_data
# With all images about as sparse as the l0 networks.
L1_STRENGTH = 5e-3
REDUCE = $(SPARSECNN) train --multirun experiment=reduced_data runs_dir=$(REDUCED) $(EXECUTOR) $(READ_MNIST) \
  train_split.share=$(call commas,$(if $(FAST),1 0.25,1 0.5 0.25 0.125 0.0625)) $(call fast,seeds=[0] validation.share=0.02 solver.steps=10)

reproduce-reduced-data: $(INSTALLED)  ## Redo results/reduced_data (MNIST=folder of parquet files; half an hour)
	$(call say,about half an hour)
	$(REDUCE) regularizer=none allocation=dense
	$(REDUCE) regularizer=l1_shrinkage regularizer.strength=$(L1_STRENGTH) solver.weight_decay=0 allocation=dense
	$(REDUCE) allocation.density=0.05
	$(call keep_first,reduced_data/train,reduced_data)
	$(SPARSECNN) table $(REDUCED)/train/* -o $(KEPT)/reduced_data/table.csv
	$(SPARSECNN) plot-training-data $(REDUCED)/train/* -o $(KEPT)/reduced_data/training_data

# Packed files, from the runs of reproduce-cifar and reproduce-mnist. NNC=--nnc compares with NNC, see benchmarks/nnc/README.md.
.PHONY: reproduce-packed reproduce-cheap
NNC =
PACKED = runs/packed
PACK = $(SPARSECNN) pack --table results/packed/packed.csv -q
FINE_TUNED = solver@fine_tune=retrain fine_tune.epochs=1
QUICK = runs/cifar10_frontier --within 1/8
TENTH = $(PACKED)/tenth/seed0.safetensors
TWENTIETH = $(PACKED)/twentieth/seed0.safetensors
RESNET = $(PACKED)/resnet20/seed0.safetensors

reproduce-packed: $(INSTALLED)  ## Redo results/packed after the two searches (CIFAR=, MNIST=folders of parquet files; an hour)
	$(call slow,about an hour)
	$(SPARSECNN) train experiment=cifar10_tenth run_dir=$(PACKED)/tenth $(READ_CIFAR) \
	  model.weights=runs/cifar10_frontier/base_seed0.safetensors
	$(SPARSECNN) train experiment=cifar10_tenth run_dir=$(PACKED)/twentieth $(READ_CIFAR) \
	  model.weights=runs/cifar10_frontier/base_seed0.safetensors allocation.density=0.05
	$(SPARSECNN) train experiment=cifar10_resnet20 run_dir=$(PACKED)/resnet20 $(READ_CIFAR)
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
	$(PACK) runs/mnist_frontier --within 1/20 -o $(PACKED)/lenet_float32.safetensors
	$(PACK) runs/mnist_frontier --within 1/20 -o $(PACKED)/lenet_int4.safetensors value=int4
	$(PACK) runs/mnist_frontier --within 1/20 -o $(PACKED)/lenet_codebook15.safetensors value=codebook15
	$(SPARSECNN) inspect $(PACKED)/quick_float32.safetensors -o results/packed/quick_layers.csv
	$(SPARSECNN) evaluate -q $(PACKED)/quick_int5.safetensors $(READ_CIFAR)
	$(SPARSECNN) unpack $(PACKED)/quick_int5.safetensors -o $(PACKED)/unpacked/quick_int5.safetensors
	$(SPARSECNN) export $(PACKED)/quick_int5.safetensors --format c
	$(SPARSECNN) export $(PACKED)/quick_int5.safetensors --format onnx
	$(SPARSECNN) plot-storage $(QUICK) -o results/packed/storage
	$(BIN)/python benchmarks/packed_size.py $(NNC) $(PACKED)/*.safetensors
	for network in tenth twentieth resnet20; do $(SPARSECNN) bench $(PACKED)/$${network}_float32.safetensors \
	  -o results/packed/bench_$$network.csv || exit; done
	$(BIN)/python benchmarks/exports.py $(PACKED)/quick_float32.safetensors $(PACKED)/quick_int5.safetensors \
	  --data $(READ_CIFAR)

# Cheaper searches against exhaustive ones
CHEAP = runs/cheap
CHEAP_SEARCHES = cifar10_exhaustive cifar10_cheap resnet20_exhaustive resnet20_cheap
# One at a time of what cifar10_cheap takes together, and a fixed support, from the same dense bases.
CHEAP_WAYS = lamp knapsack screening halving fixed_support
AT_A_FIFTH = search.start_memory=[1/2$(comma)1/5] solver@search.start_training=refine search.start_training.epochs=0.7
CHEAP_lamp = search.start=lamp $(AT_A_FIFTH)
CHEAP_knapsack = search.start=knapsack $(AT_A_FIFTH)
CHEAP_screening = search.screen=projected_loss search.screen_keep=0.4
CHEAP_halving = search.halving=0.5 search.halving_after=0.2
CHEAP_fixed_support = regularizer=fixed_support regularizer.projected=0.25
CHEAP_SEARCH = $(SPARSECNN) greedy-search $(EXECUTOR) $(READ_CIFAR)

reproduce-cheap: $(INSTALLED)  ## Redo results/cheap (CIFAR=folder of parquet files; four hours)
	$(call slow,about four hours)
	for network in cifar10 resnet20; do $(CHEAP_SEARCH) experiment=$${network}_exhaustive \
	  run_dir=$(CHEAP)/$${network}_exhaustive && $(CHEAP_SEARCH) experiment=$${network}_cheap \
	  model.weights=$(CHEAP)/$${network}_exhaustive run_dir=$(CHEAP)/$${network}_cheap || exit; done
	$(foreach way,$(CHEAP_WAYS),$(CHEAP_SEARCH) experiment=cifar10_exhaustive model.weights=$(CHEAP)/cifar10_exhaustive \
	  $(CHEAP_$(way)) run_dir=$(CHEAP)/cifar10_$(way) &&) true
	for search in $(CHEAP_SEARCHES) $(addprefix cifar10_,$(CHEAP_WAYS)); do \
	  $(call keep,cheap/$$search,cheap/$$search,$(LARGE_TABLE)) || exit; done
	$(BIN)/python benchmarks/frontiers.py --runs $(CHEAP)
	for network in cifar10 resnet20; do $(SPARSECNN) plot-frontier $(CHEAP)/$${network}_exhaustive \
	  $(CHEAP)/$${network}_cheap --label exhaustive --label cheap -o results/cheap/$$network || exit; done

# AlexNet, on the 50 classes of Tiny ImageNet
.PHONY: reproduce-alexnet
reproduce-alexnet: $(INSTALLED)  ## Redo results/alexnet (TINY=folder of Tiny ImageNet's parquet files; an hour)
	@test -n "$(TINY)" || { echo 'Say TINY=folder: Tiny ImageNet is not downloaded'; exit 2; }
	$(call say,about an hour)
	$(SPARSECNN) greedy-search experiment=alexnet_tiny_imagenet run_dir=$(RUNS)/alexnet $(EXECUTOR) \
	  data.folder=$(TINY) $(SET_PRECISION) $(call first_look,solver.epochs=2 search.start_training.epochs=1 search.target_memory=1/5)
	$(call keep,alexnet,alexnet/frontier,$(TABLES))
	$(SPARSECNN) best $(RUNS)/alexnet $(if $(FAST),--within 1/5,--within 1/4 --within 1/10) -o $(KEPT)/alexnet/best.csv
	$(SPARSECNN) plot-frontier $(RUNS)/alexnet --label alexnet --budget $(if $(FAST),1/5,1/10) -o $(KEPT)/alexnet/figure_1

# Compact operators
.PHONY: reproduce-energy reproduce-impulse reproduce-qtips reproduce-operators
reproduce-energy: $(INSTALLED)  ## Redo the operations and assumed joules of CaffeNet (seconds)
	$(SPARSECNN) operations model=caffenet image_shape=[3,227,227] classes=1000 weight_bits=1 activation_bits=2 \
	  -o $(KEPT)/operators/energy_caffenet.csv

FAMILIES = compact lean leanresidual predefined ode imex bitwise deformable
# Lean operators in steps like those of the full ones, two in each.
MODEL_leanresidual = lean_resnet model.step._target_=sparsecnn.layers.Residual
model_of = model=$(or $(MODEL_$(1)),$(1)_resnet)
# FULL=1 is for a GPU: all training images and six times the epochs, in folders of their own.
FULL ?=
STUDY = operators$(if $(FULL),_full)
OPERATORS = $(RUNS)/$(STUDY)
STUDIED = $(KEPT)/$(STUDY)
RECIPE = $(if $(FULL),train_split.share=1 solver.epochs=60)
NARROW = model.widths=[$(call commas,8 16 32 32)]
WIDE = model.widths=[$(call commas,16 32 64 64)]
# Trained for about as long as the smallest networks of a search in all, and searched from there.
LONGER_FAMILIES = compact lean leanresidual
LONGER_EPOCHS = $(if $(FULL),180,30)
LONGER = solver.epochs=$(LONGER_EPOCHS)
# $(call operator_runs,FAMILY) and $(call longer_runs,FAMILY): what the pictures show;
# $(call more_runs,FAMILY): what else belongs to a family.
operator_runs = $(addprefix $(1)_,8 16 search)
longer_runs = $(addprefix $(1)_,8_longer 16_longer search_longer)
more_runs = $(if $(filter $(LONGER_FAMILIES),$(1)),$(call longer_runs,$(1))) $(if $(filter ode,$(1)),ode_16_shared)
# The names that docs/operators.md gives them.
NAME_compact = full
NAME_lean = lean
NAME_leanresidual = lean residual
NAME_predefined = pre-defined
NAME_ode = ODE block
NAME_imex = implicit step
NAME_bitwise = bit-wise
NAME_deformable = deformable
operator_label = --label "$(NAME_$(firstword $(subst _, ,$(1))))$(if $(filter %_longer,$(1)), ($(LONGER_EPOCHS) epochs))"
kept_of = $(if $(findstring _search,$(1)),$(LARGE_TABLE),$(TABLES))
operator_tables = $(foreach run,$(1),$(STUDIED)/$(run)/$(firstword $(call kept_of,$(run))))
# After eight families colours repeat, with open marks: networks trained for longer come last, to have those of their families.
SHOWN_OPERATORS = $(foreach run,$(foreach family,$(FAMILIES),$(call operator_runs,$(family))) \
  $(foreach family,$(LONGER_FAMILIES),$(call longer_runs,$(family))),$(call operator_tables,$(run)) $(call operator_label,$(run)))

reproduce-impulse: $(INSTALLED)  ## Redo the picture of the implicit step (seconds)
	$(BIN)/python benchmarks/impulse.py -o $(KEPT)/operators/impulse

# The explicit network is a little wider, so that it has as many weights: 18,713 beside 18,560.
FAST_QTIPS = $(SET_PRECISION) $(call fast,seeds=[0] solver.epochs=1 data.train=64 data.test=32)
reproduce-qtips: $(INSTALLED)  ## Redo Q-tips, implicit against explicit (a quarter of an hour)
	$(call say,a quarter of an hour)
	$(SPARSECNN) train experiment=qtips $(EXECUTOR) $(FAST_QTIPS) run_dir=$(RUNS)/qtips/implicit
	$(SPARSECNN) train experiment=qtips $(EXECUTOR) $(FAST_QTIPS) model.step.implicit=false \
	  model.widths=[8,17,32] run_dir=$(RUNS)/qtips/explicit
	$(foreach run,implicit explicit,$(call keep,qtips/$(run),operators/qtips_$(run),$(TABLES)) &&) true

# One family, kept as soon as it is done: the study need not be done in one go, nor on one machine.
FAST_OPERATORS = $(call first_look,solver.epochs=1)
TRAIN_OPERATORS = $(SPARSECNN) train experiment=operators $(EXECUTOR) $(READ_CIFAR) $(RECIPE)
SEARCH_OPERATORS = $(SPARSECNN) greedy-search experiment=operators_search $(EXECUTOR) $(READ_CIFAR) $(RECIPE) \
  $(FAST_OPERATORS) $(call fast,search.target_memory=1/2)
OPERATORS_OF = $(addprefix reproduce-operators-,$(FAMILIES))
.PHONY: $(OPERATORS_OF) say-reproduce-operators reproduce-operators-pictures
$(OPERATORS_OF): reproduce-operators-%: $(INSTALLED)
	$(TRAIN_OPERATORS) $(FAST_OPERATORS) $(call model_of,$*) $(NARROW) run_dir=$(OPERATORS)/$*_8
	$(TRAIN_OPERATORS) $(FAST_OPERATORS) $(call model_of,$*) $(WIDE) run_dir=$(OPERATORS)/$*_16
	$(SEARCH_OPERATORS) $(call model_of,$*) $(WIDE) model.weights=$(OPERATORS)/$*_16 run_dir=$(OPERATORS)/$*_search
	$(if $(filter $*,$(LONGER_FAMILIES)),$(TRAIN_OPERATORS) $(LONGER) $(FAST_OPERATORS) $(call model_of,$*) $(NARROW) run_dir=$(OPERATORS)/$*_8_longer)
	$(if $(filter $*,$(LONGER_FAMILIES)),$(TRAIN_OPERATORS) $(LONGER) $(FAST_OPERATORS) $(call model_of,$*) $(WIDE) run_dir=$(OPERATORS)/$*_16_longer)
	$(if $(filter $*,$(LONGER_FAMILIES)),$(SEARCH_OPERATORS) $(call model_of,$*) $(WIDE) model.weights=$(OPERATORS)/$*_16_longer run_dir=$(OPERATORS)/$*_search_longer)
	$(if $(filter $*,ode),$(TRAIN_OPERATORS) $(FAST_OPERATORS) model=ode_resnet $(WIDE) model.step.norms=shared run_dir=$(OPERATORS)/ode_16_shared)
	$(foreach run,$(call operator_runs,$*) $(call more_runs,$*),$(call keep,$(STUDY)/$(run),$(STUDY)/$(run),$(call kept_of,$(run))) &&) true

define DRAW_OPERATORS
$(SPARSECNN) best $(call operator_tables,$(addsuffix _search,$(FAMILIES)) $(addsuffix _search_longer,$(LONGER_FAMILIES))) \
  $(if $(FAST),--within 1/2,--within 48KiB --within 24KiB --within 12KiB) -o $(STUDIED)/best.csv
$(SPARSECNN) plot-operators $(SHOWN_OPERATORS) -o $(STUDIED)/accuracy_memory
$(SPARSECNN) plot-operators-activations $(SHOWN_OPERATORS) -o $(STUDIED)/accuracy_activations
$(SPARSECNN) plot-operators-multiply-adds $(SHOWN_OPERATORS) -o $(STUDIED)/accuracy_multiply_adds
endef
reproduce-operators-pictures: $(INSTALLED)  ## Redo the pictures of the study from its kept tables (seconds)
	$(DRAW_OPERATORS)

say-reproduce-operators:
	$(call say,$(if $(FULL),about two days,about nine hours))
	@echo 'a family alone: reproduce-operators-lean and so on; two at once: make -j2 EXECUTOR="executor=serial threads=1"'
reproduce-operators: say-reproduce-operators $(OPERATORS_OF)  ## Redo the study of compact operators (CIFAR=folder of parquet files; nine hours; FULL=1 for a GPU)
	$(DRAW_OPERATORS)
	$(SPARSECNN) bench-training-memory model=ode_resnet model.step.time_steps=1,2,4,8,16,32 \
	  model.step.keep=all,input,3 -o $(STUDIED)/training_memory
