"""Figures: each module has `numbers`, a table to a table, and `draw`, a table to a picture."""

# The name of each module, which is the name of its command, and what its picture shows. The modules themselves import
# matplotlib, for which the command line's help should not wait.
FIGURES = {
    "frontier": "Accuracy against memory: every candidate a point, the frontier a line.",
    "convergence": "Training loss against iteration over repetitions, median and band (the paper's Figure 3).",
    "layers": "Nonzeros a layer, raw and over the layer's dense size, along the search (the paper's Figure 4).",
    "thresholding": "Accuracy against density under projection and under thresholding (the paper's Figure 5).",
    "turnover": "How far the support moves in training, against density: what projection does beyond a fixed mask.",
    "training_data": "Accuracy against the number of training images, for each regularizer.",
    "operators": "Accuracy of families of networks against memory, trained at several widths and searched.",
    "operators_activations": "Accuracy of families of networks against the memory of activations, searches left out.",
    "operators_multiply_adds": "Accuracy of families of networks against the multiply-adds of an image.",
    "ensembles": "Accuracy of ensembles of one memory against the number of their networks.",
}

# The figures that call runs by their names. The others show what runs have in common, whichever run it is of.
NAME_RUNS = ("frontier", "convergence", "layers")
# Those that call families of runs by the names of their models: several runs of one name are one family.
NAME_FAMILIES = ("operators", "operators_activations", "operators_multiply_adds")

# The table of a run that a figure needs beside the candidates, where it needs one: it gets both joined.
DETAILS = {"convergence": "losses", "turnover": "layer_epochs"}
