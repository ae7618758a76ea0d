"""The picture of docs/scaling.md: hours and utilisation against workers, groups of GPUs, and what rules leave out."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from sparsecnn.plots import style

REFINED, UNREFINED = "ResNet-50, ILSVRC", "ResNet-50, ILSVRC, unrefined"
NAMES = {REFINED: "winners refined", UNREFINED: "winners not refined"}
LINES = {REFINED: "-", UNREFINED: ":"}
SHADES = {REFINED: "#0072B2", UNREFINED: "#56B4E9"}
# Of a search, or of several at once.
WAYS = {
    ("rounds that wait", 1): "rounds that wait",
    ("last quarter dropped", 1): "last quarter dropped",
    ("begun early", 1): "next round begun early",
    ("rounds that wait", 4): "4 seeds at once",
}
MARKERS = "osD^"
HOUR_TICKS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)


def draw(table: pd.DataFrame) -> Figure:
    """Four panels from the table of benchmarks/scaling.py: its studies `workers` (two panels), `groups` and `rules`."""
    with style.paper_style():
        figure = Figure(figsize=(style.WIDTH_INCHES, 6.4))
        (hours, use), (groups, rules) = figure.subplots(2, 2)
        _draw_workers(hours, table, "hours_a_seed")
        _log_hours(hours, "wall time a seed (hours)")
        hours.set_title("ResNet-50, one GPU a training")
        _draw_workers(use, table, "utilisation")
        use.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
        use.set_ylim(0, 1.04)
        use.set_ylabel("workers in use (%)")
        use.set_title("The same searches")
        _draw_groups(groups, table)
        _draw_rules(rules, table)
        style.add_legend(figure, _handles())
        repetitions = int(table["repetitions"].max())
        style.add_caption(
            figure,
            f"Simulated; mean of n = {repetitions} repetitions (seeds 0 to {repetitions - 1}), their deviations are in "
            "the table. ILSVRC, down to 1/20 of the dense memory, tighten=bytes with share 0.2. Where winners are "
            "refined (1 epoch), candidates get 0.1 epoch, else 0.25 epoch. An epoch is assumed to take 15 minutes on "
            "one GPU.",
        )
    return figure


def _draw_workers(axes: Axes, table: pd.DataFrame, column: str) -> None:
    for scenario, line in LINES.items():
        for position, (mode, seeds) in enumerate(WAYS):
            rows = table[(table.study == "workers") & (table.scenario == scenario)]
            rows = rows[(rows["mode"] == mode) & (rows.seeds == seeds)]
            _line(axes, rows.workers, rows[column], position, line)
    _log_counts(axes, sorted(set(table[(table.study == "workers") & (table.scenario == REFINED)].workers)))
    axes.set_xlabel("workers")


def _draw_groups(axes: Axes, table: pd.DataFrame) -> None:
    """Wall time a seed on all GPUs against how many of them train one network."""
    rows = table[table.study == "groups"]
    alone = rows[(rows.seeds == 1) & (rows.refine_width == 1)]
    whole = rows[(rows.seeds == 1) & ((rows.refine_width > 1) | (rows.workers == 1))]
    several = rows[rows.seeds > 1]
    _line(axes, alone.group, alone.hours_a_seed, 0, "-")
    axes.plot(whole.group, whole.hours_a_seed, color=style.PALETTE[4], marker="v", ms=4, label="winners on all GPUs")
    _line(axes, several.group, several.hours_a_seed, 3, "-")
    _log_counts(axes, sorted(set(rows.group)))
    _log_hours(axes, "wall time a seed (hours)")
    axes.set_xlabel("GPUs a training")
    axes.set_title("ResNet-50 on 256 GPUs")
    axes.legend(loc="upper right")


def _draw_rules(axes: Axes, table: pd.DataFrame) -> None:
    """GPU hours of a seed under each rule."""
    rows = table[table.study == "rules"]
    rules = list(dict.fromkeys(rows.rule))
    for aside, (scenario, shade) in zip((-0.2, 0.2), SHADES.items(), strict=True):
        found = rows[rows.scenario == scenario].set_index("rule").busy_device_hours_a_seed
        places = [place + aside for place in range(len(rules))]
        axes.barh(places, [found[rule] for rule in rules], 0.36, color=shade, label=NAMES[scenario])
        for place, rule in zip(places, rules, strict=True):
            axes.text(found[rule], place, f" {found[rule]:.0f}", va="center", fontsize=7.5)
    axes.set_yticks(range(len(rules)), [rule.replace(", ", ",\n") for rule in rules])
    axes.set_ylim(len(rules) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlim(0, 1.12 * rows[rows.scenario.isin(LINES)].busy_device_hours_a_seed.max())
    axes.set_xlabel("GPU hours a seed")
    axes.set_title("What rules leave out")
    axes.legend(loc="lower right")


def _line(axes: Axes, at: "pd.Series[int]", values: "pd.Series[float]", position: int, line: str) -> None:
    axes.plot(at, values, color=style.PALETTE[position], ls=line, marker=MARKERS[position], ms=4, label=None)


def _log_counts(axes: Axes, counts: Sequence[int]) -> None:
    axes.set_xscale("log", base=2)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(list(counts), [str(count) for count in counts])


def _log_hours(axes: Axes, label: str) -> None:
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    shown = [tick for tick in HOUR_TICKS if low <= tick <= high]
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticks(shown, [f"{tick:g}" for tick in shown])
    axes.set_ylim(low, high)
    axes.set_ylabel(label)


def _handles() -> list[Line2D]:
    ways = [
        Line2D([], [], color=style.PALETTE[position], marker=MARKERS[position], ms=4, label=label)
        for position, label in enumerate(WAYS.values())
    ]
    return ways + [Line2D([], [], color=style.GREY, ls=line, label=NAMES[name]) for name, line in LINES.items()]
