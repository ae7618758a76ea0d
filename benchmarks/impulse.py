"""How far one step carries what happens in one pixel: results/operators/impulse.csv, .png and .svg.

python benchmarks/impulse.py [-o STEM]

One pixel of an image of zeros is one in every channel. Fresh steps (seed 0) of 16 channels: explicit, with the implicit
half on a periodic image, and on one that goes on in its mirror images. The table has a row a pixel: the mean magnitude
of what comes out, over channels. Below 1e-14 of the greatest nothing is drawn.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from sparsecnn.layers import ImexStep
from sparsecnn.plots import style

CHANNELS, SIZE, PLACE = 16, 32, (8, 10)
STEPS: dict[str, dict[str, object]] = {
    "explicit": {"implicit": False},
    "implicit, periodic": {"boundary": "periodic"},
    "implicit, reflecting": {"boundary": "reflecting"},
}
LEAST = 1e-14


def response(options: dict[str, object]) -> np.ndarray:
    """[SIZE, SIZE]: the mean magnitude over channels after one step."""
    torch.manual_seed(0)
    step = ImexStep(CHANNELS, **options).double().eval()  # type: ignore[arg-type]
    images = torch.zeros(1, CHANNELS, SIZE, SIZE, dtype=torch.double)
    images[..., PLACE[0], PLACE[1]] = 1.0
    with torch.no_grad():
        found: np.ndarray = step(images)[0].abs().mean(dim=0).numpy()
    return found


def draw(maps: dict[str, np.ndarray]) -> Figure:
    """A panel a step, on one logarithmic scale."""
    top = max(float(each.max()) for each in maps.values())
    with style.paper_style():
        figure = Figure(figsize=(style.WIDTH_INCHES, 3.1))
        grid = figure.subplots(1, len(maps), sharey=True)
        for axes, (name, found) in zip(grid, maps.items(), strict=True):
            seen = np.ma.masked_less(found, LEAST * top)
            image = axes.imshow(seen, norm=LogNorm(LEAST * top, top), cmap="viridis", interpolation="nearest")
            axes.set_title(f"{name}\n{int((found >= LEAST * top).sum())} of {found.size} pixels")
            axes.grid(visible=False)
            axes.set_xlabel("column")
        grid[0].set_ylabel("row")
        figure.colorbar(image, ax=grid, label="mean magnitude", shrink=0.8)
        style.add_caption(
            figure,
            f"What one step of {CHANNELS} channels makes of one pixel (row {PLACE[0]}, column {PLACE[1]}) in an image "
            f"of zeros. White is less than {LEAST:g} of the greatest. Fresh weights, seed 0, float64.",
        )
    return figure


def main() -> None:
    """Computes the maps, writes the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("results/operators/impulse"))
    stem = parser.parse_args().output
    maps = {name: response(options) for name, options in STEPS.items()}
    rows, columns = np.divmod(np.arange(SIZE * SIZE), SIZE)
    table = pd.concat(
        pd.DataFrame({"step": name, "row": rows, "column": columns, "magnitude": found.reshape(-1)})
        for name, found in maps.items()
    )
    stem.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(stem.with_suffix(".csv"), index=False, float_format="%.4e")
    style.save(draw(maps), stem)


if __name__ == "__main__":
    main()
