"""What a figure is about, as the first words of its caption."""

import pandas as pd

# How data is read, which says nothing of what it is.
READERS = ("parquet", "image_folder")
TRAINED = ("base", "train", "member")


def about(table: pd.DataFrame) -> str:
    """The networks in `table`, their data and how long they were trained: "lenet on mnist, trained for 6 epochs. ".

    Of searches the training of the dense base. Nothing where `table` does not say it.
    """
    if not {"model", "data", "phase", "epochs"} <= set(table.columns):
        return ""
    rows = table[table["status"] == "ok"]
    models, data = (list(dict.fromkeys(rows[name].dropna().astype(str))) for name in ("model", "data"))
    known = [name for name in data if name not in READERS]
    places = f" on {' and '.join(known)}" if known else ""
    trained = rows[rows["phase"].isin(TRAINED) & rows["epochs"].gt(0)]  # a base of another run has none of its own
    whose = "its dense base " if len(trained) and trained["phase"].eq("base").all() else ""
    length = f", {whose}trained for {_epochs(trained['epochs'])}" if len(trained) else ""
    return f"{' and '.join(models)}{places}{length}. " if models else ""


def _epochs(epochs: "pd.Series[float]") -> str:
    fewest, most = (f"{value:.3g}" for value in (float(epochs.min()), float(epochs.max())))
    return f"{most} epoch{'s' * (most != '1')}" if fewest == most else f"{fewest} to {most} epochs"
