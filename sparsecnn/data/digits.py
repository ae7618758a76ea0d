"""The 8 x 8 scans of handwritten digits that scikit-learn ships: real data, no download."""

import numpy as np
import sklearn.datasets
import torch

from sparsecnn.data.holdout import hold_out
from sparsecnn.data.resident import resident_data_set
from sparsecnn.data.types import DataSet

# The set has no split of its own; this one is fixed, so that test accuracies can be compared.
TEST_SHARE = 0.2
TEST_SEED = 0


def load_digits() -> DataSet:
    """1,797 grey images in 10 classes, values 0..16 stretched to 0..255; a stratified fifth is the test split."""
    digits = sklearn.datasets.load_digits()
    images = np.round(digits.images * 255 / 16).astype(np.uint8)
    labels = digits.target
    train, test = (part.numpy() for part in hold_out(torch.from_numpy(labels), TEST_SHARE, TEST_SEED))
    names = [str(name) for name in digits.target_names]
    return resident_data_set("digits", (images[train], labels[train]), (images[test], labels[test]), names)
