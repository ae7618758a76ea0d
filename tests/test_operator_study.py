"""What docs/operators.md and the README say of the study of compact operators is what its committed tables hold."""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from paper_tables import epochs_behind_base

from sparsecnn.frontier import best_within
from sparsecnn.sizes import readable

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results" / "operators"
# The names of the study's families, as its pictures have them.
NAMES = dict(re.findall(r"^NAME_(\w+) = (.+)$", (ROOT / "results" / "reproduce.mk").read_text(), flags=re.MULTILINE))
WIDTHS = {"16": "16 to 64", "8": "8 to 32"}
BUDGETS = ("48KiB", "24KiB", "12KiB")


def told(page: str = "docs/operators.md") -> str:
    return " ".join((ROOT / page).read_text().split())


def study(run: str) -> pd.DataFrame:
    return pd.read_csv(RESULTS / run / "table.csv")


def accuracy_of(networks: pd.DataFrame) -> str:
    """Mean and sample deviation over the three seeds."""
    assert sorted(networks.seed) == [0, 1, 2]
    return f"{networks.test_accuracy.mean():.1f} ± {networks.test_accuracy.std():.1f}"


def search(run: str) -> pd.DataFrame:
    return pd.read_parquet(RESULTS / run / "table.parquet").set_index("key", drop=False)


def within(run: str, budget: str) -> pd.DataFrame:
    """What a search found within a budget, as `best.csv` has it: a row a seed."""
    best = pd.read_csv(RESULTS / "best.csv")
    keys = best[(best.run == run) & (best.budget == budget)].key
    return search(run).loc[keys].set_index("seed", drop=False)


def leads(run: str, other: str) -> list[str]:
    """By how many points the first of two searches is ahead within each budget: mean and deviation over seeds."""
    return [f"{points.mean():.1f} ± {points.std():.1f}" for points in (lead(run, other, budget) for budget in BUDGETS)]


def lead(run: str, other: str, budget: str) -> "pd.Series[float]":
    """Points of the first search over the second within a budget, by seed."""
    return within(run, budget).test_accuracy - within(other, budget).test_accuracy


def listed(texts: list[str]) -> str:
    return f"{texts[0]}, {texts[1]} and {texts[2]}"


def trained_rows() -> Iterator[str]:
    """The lines of the table of trained networks."""
    for family, name in NAMES.items():
        for run in [f"{family}_{width}{longer}" for longer in ("", "_longer") for width in WIDTHS]:
            if not (RESULTS / run).exists():
                assert run.endswith("_longer")
                continue
            networks = study(run)
            (epochs,), (memory,), (products,), (evaluated,), (trained,) = (
                set(networks[column])
                for column in ("epochs", "memory_bytes", "multiply_adds", "inference_bytes", "training_bytes")
            )
            trained_for = f", {epochs:g} epochs" if run.endswith("_longer") else ""
            yield (
                f"| {name}{trained_for} | {WIDTHS[run.split('_')[1]]} | {readable(memory)} | {products / 1e6:.1f} "
                f"| {readable(evaluated)} | {readable(trained)} | {accuracy_of(networks)} |"
            )


def searched_rows() -> Iterator[str]:
    """The lines of the table of searched networks."""
    for family, name in NAMES.items():
        for longer, trained_for in {"": "", "_longer": ", 30 epochs"}.items():
            run = f"{family}_search{longer}"
            if (RESULTS / run).exists():
                yield f"| {name}{trained_for} | {' | '.join(accuracy_of(within(run, budget)) for budget in BUDGETS)} |"
            else:
                assert longer


def test_what_compact_families_make_of_cifar10_is_told() -> None:
    lines = (ROOT / "docs" / "operators.md").read_text().splitlines()
    assert [row for row in [*trained_rows(), *searched_rows()] if row not in lines] == []


@pytest.mark.parametrize(("family", "called"), [("lean", "sparse lean ones"), ("leanresidual", "*lean residual* ones")])
def test_whether_sparse_or_lean_is_better_is_told(family: str, called: str) -> None:
    soon, later = (listed(leads(f"compact_search{longer}", f"{family}_search{longer}")) for longer in ("", "_longer"))
    assert f"ahead of {called} by {soon}; searched from networks of thirty epochs by {later}" in told()


def test_whether_sparse_or_narrow_is_better_is_told() -> None:
    narrow = study("compact_8_longer")
    (memory,) = {readable(memory) for memory in narrow.memory_bytes}
    wide = best_within(search("compact_search_longer"), narrow.memory_bytes.iloc[0])
    assert (
        f"of thirty epochs, the full one of {memory} has {accuracy_of(narrow)}, and the wider one searched to within "
        f"that has {accuracy_of(wide)}" in told()
    )


def test_how_far_other_families_are_ahead_or_behind_is_told() -> None:
    sentence = (
        "pre-defined {predefined}; ODE blocks {ode}; implicit steps {imex}; bit-wise {bitwise}; "
        "deformable {deformable}."
    )
    points = {family: listed(leads(f"{family}_search", "compact_search")) for family in NAMES}
    assert sentence.format(**points) in told()


@pytest.mark.parametrize(("family", "called"), [("compact", "full networks for"), ("lean", "lean ones for")])
def test_how_long_a_search_trains_is_told(family: str, called: str) -> None:
    run = f"{family}_search"
    (base,) = set(study(f"{family}_16").epochs)
    behind = epochs_behind_base(search(run))
    spans = []
    for budget in BUDGETS:
        epochs = base + behind[within(run, budget).key]
        least, most = f"{epochs.min():.0f}", f"{epochs.max():.0f}"
        spans.append(least if least == most else f"{least} to {most}")
    assert f"{called} {listed(spans)}" in told()


def test_what_a_lean_network_needs_no_search_for_is_told() -> None:
    lean, full = study("lean_16_longer"), within("compact_search", "48KiB")
    (memory,) = {readable(memory) for memory in lean.memory_bytes}
    assert f"A lean network of {memory} that is trained for thirty and not searched has {accuracy_of(lean)}" in told()
    assert round(lean.test_accuracy.mean(), 1) == round(full.test_accuracy.mean(), 1)  # "as much"


def test_how_many_products_the_same_bytes_take_is_told() -> None:
    millions = {family: within(f"{family}_search", "48KiB").multiply_adds.mean() / 1e6 for family in NAMES}
    sentence = """
        within 48 KiB {compact:.1f} million an image of full networks, {lean:.1f} of lean, {predefined:.1f} of
        pre-defined and {deformable:.1f} of deformable ones, with their sampling; {ode:.1f} of ODE blocks, which use
        each weight several times; {imex:.1f} of implicit steps, whose zeros are filled in; {bitwise:.1f}, of few bits,
        of bit-wise networks, which fit with all their weights
    """.format(**millions)
    assert " ".join(sentence.split()) in told()
    assert set(within("bitwise_search", "48KiB").phase) == {"base"}


def test_what_zeros_and_channels_make_of_activations_is_told() -> None:
    full, narrow, ode = (study(run).iloc[0] for run in ("compact_16", "compact_8", "ode_16"))
    columns = ["inference_bytes", "training_bytes"]
    assert (full[columns] == 2 * narrow[columns]).all()
    for family in NAMES:
        sizes = search(f"{family}_search")[columns].drop_duplicates()
        assert sizes.to_numpy().tolist() == [study(f"{family}_16").loc[0, columns].tolist()]
        more = study(f"{family}_16").training_bytes.max() > full.training_bytes
        assert more == (family in ("imex", "bitwise", "deformable"))
    blocks = f"ODE blocks take {readable(ode.training_bytes)} for {readable(full.training_bytes)}"
    assert f"channels halve them, and, in training, {blocks}" in told()


def test_what_longer_training_gains_is_told() -> None:
    gains = [
        study(f"{family}_{width}_longer").test_accuracy.mean() - study(f"{family}_{width}").test_accuracy.mean()
        for family in ("compact", "lean", "leanresidual")
        for width in WIDTHS
    ]
    assert f"in thirty, full and lean networks gain {min(gains):.0f} to {max(gains):.0f} points" in told()


def test_what_shared_norms_make_of_an_ode_block_is_told() -> None:
    shared, own = study("ode_16_shared"), study("ode_16")
    assert f"{accuracy_of(shared)} instead of {accuracy_of(own)}" in told()


def test_the_readme_tells_what_the_study_shows() -> None:
    at = {
        f"{family}{longer}_{budget[:2]}": accuracy_of(within(f"{family}_search{longer}", budget))
        for family in ("compact", "lean")
        for longer in ("", "_longer")
        for budget in ("48KiB", "12KiB")
    }
    sentence = """
        within 48 KiB sparse full networks have {compact_48} % on the test images, sparse lean ones {lean_48}; searched
        from networks of thirty epochs {compact_longer_48} and {lean_longer_48}, and within 12 KiB {compact_longer_12}
        and {lean_longer_12}.
    """.format(**at)
    assert " ".join(sentence.split()) in told("README.md")
    others = {family: lead(f"{family}_search", "compact_search", "48KiB") for family in NAMES}
    assert all(abs(others[family].mean()) < others[family].std() for family in ("predefined", "ode", "deformable"))
    behind = {family: leads("compact_search", f"{family}_search")[0] for family in ("imex", "bitwise")}
    sentences = f"""
        Within 48 KiB ODE blocks, pre-defined supports and deformable convolutions keep up with sparse full networks,
        implicit steps are behind by {behind["imex"]} points and bit-wise convolutions by {behind["bitwise"]}; within
        12 KiB deformable ones are ahead by {leads("deformable_search", "compact_search")[-1]}.
    """
    assert " ".join(sentences.split()) in told("README.md")
