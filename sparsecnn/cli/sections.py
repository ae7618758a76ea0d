"""The commands in the order in which the program lists them, each in a few words."""

SECTIONS = {
    "Train and search": {
        "train": "Networks under one allocation and regularizer",
        "greedy-search": "The frontier, by tightening a layer at a time",
        "ensemble": "Sparse networks that share the memory of one",
    },
    "What runs found": {
        "table": "Their networks, and one table of all rows",
        "best": "The most accurate network that fits a budget",
        "report": "What was asked, found and done, as one page",
    },
    "What networks take": {
        "memory": "Bytes, dense and within a budget, by format",
        "operations": "Operations of each layer for one image",
        "bench-training-memory": "Activations that a training step keeps",
    },
    "Packed files": {
        "pack": "A network as one file of just its memory",
        "inspect": "The layers of a file, and what each takes",
        "evaluate": "The accuracy of a file",
        "bench": "How fast a file runs, beside dense networks",
        "unpack": "The dense weights of a file",
        "export": "A file as C or ONNX",
    },
    "Figures, of Collins & Kohli 2014 by their numbers": {
        "plot-frontier": "1: accuracy against memory",
        "plot-filters": "2: filters, and where they are zero",
        "plot-convergence": "3: training loss by iteration",
        "plot-layers": "4: nonzeros of each layer",
        "plot-thresholding": "5: projection against thresholding",
        "plot-turnover": "Beside 5: how far the support moves",
        "plot-ensembles": "Ensembles of one memory",
        "plot-training-data": "Accuracy by number of training images",
        "plot-storage": "Bytes of each layer by format",
        "plot-operators": "Families of networks by memory",
        "plot-operators-activations": "The same by memory of activations",
        "plot-operators-multiply-adds": "The same by multiply-adds",
    },
}
