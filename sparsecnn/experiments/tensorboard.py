"""Epochs as TensorBoard events, beside the tables."""

from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from sparsecnn.training import Epoch


class TensorBoardLog:
    """Writes one event folder a network under `folder`; needs the package tensorboard."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, key: str, epoch: Epoch) -> None:
        """Loss, accuracy, learning rate, and nonzeros and turnover a layer, at the epoch's last step."""
        values = {
            "train/loss": epoch.train_loss,
            "train/accuracy": epoch.train_accuracy,
            "train/learning_rate": epoch.learning_rate,
            "validation/loss": epoch.val_loss,
            "validation/accuracy": epoch.val_accuracy,
            **{f"nonzeros/{layer.layer}": float(layer.nonzeros) for layer in epoch.layers},
            **{f"turnover/{layer.layer}": layer.turnover for layer in epoch.layers},
        }
        with SummaryWriter(str(self.folder / key)) as writer:
            for name, value in values.items():
                if value is not None:
                    writer.add_scalar(name, value, epoch.step)
