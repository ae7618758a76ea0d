"""Which candidate of a round becomes the next incumbent.

A rule takes the finished trials of a round, in network order, and the incumbent, and returns one of them. Trials that
are equal by the rule's number are told apart by validation loss, then by memory, then by network order.
"""

from collections.abc import Callable, Sequence

from sparsecnn.search.trial import Trial

Selection = Callable[[Sequence[Trial], Trial], Trial]

# Points of accuracy below which a difference is no evidence; it keeps accuracy_per_byte finite at no loss.
LEAST_LOSS_POINTS = 0.01


def accuracy(trials: Sequence[Trial], incumbent: Trial) -> Trial:
    """The most accurate on the validation split. Source: Collins & Kohli 2014 (the search's stated aim)."""
    return min(trials, key=lambda trial: (-trial.val_accuracy, trial.val_loss, trial.memory_bytes))


def accuracy_per_byte(trials: Sequence[Trial], incumbent: Trial) -> Trial:
    """The least validation accuracy lost for each byte saved; at no loss, the most bytes saved.

    This project's choice: the rule `accuracy` first spends rounds on tiny layers, which save next to nothing.
    """

    def price(trial: Trial) -> float:
        saved = incumbent.memory_bytes - trial.memory_bytes
        if saved <= 0:
            return float("inf")
        return max(incumbent.val_accuracy - trial.val_accuracy, LEAST_LOSS_POINTS) / saved

    return min(trials, key=lambda trial: (price(trial), trial.val_loss, trial.memory_bytes))


def least_loss(trials: Sequence[Trial], incumbent: Trial) -> Trial:
    """The least validation loss: less noisy than accuracy on a small validation split. This project's choice."""
    return min(trials, key=lambda trial: (trial.val_loss, -trial.val_accuracy, trial.memory_bytes))
