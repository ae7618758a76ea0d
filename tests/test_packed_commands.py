"""The commands on packed networks, by real subprocesses."""

import itertools
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from commands import sparsecnn
from PIL import Image

from sparsecnn.cli import main

SEARCH = [
    "greedy-search",
    "threads=1",
    "validation.share=0.2",
    "solver.epochs=4",
    "search.retrain.epochs=1",
    "search.rounds=3",
    "tighten=factor",
    "run_dir=run",
    "--quiet",
]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a search ran to run/ and its smallest network was packed to net.safetensors."""
    folder = tmp_path_factory.mktemp("searched")
    assert sparsecnn(*SEARCH, folder=folder).returncode == 0
    done = sparsecnn("pack", "run", "--within", "1/1.05", "-o", "net.safetensors", "--quiet", folder=folder)
    assert done.returncode == 0, done.stderr
    (folder / "pack.txt").write_text(done.stdout)
    return folder


def accuracies(text: str, line: str) -> list[float]:
    found = next(row for row in text.splitlines() if row.strip().startswith(line))
    return [float(number) for number in found.split()[-2:]]


def test_packing_says_what_the_file_takes_and_loses_nothing_at_float32(searched: Path) -> None:
    text = (searched / "pack.txt").read_text()
    size = (searched / "net.safetensors").stat().st_size
    assert f"net.safetensors: {size} bytes (" in text
    assert accuracies(text, "float32") == accuracies(text.splitlines()[1], "float32")
    best = pd.read_csv(searched / "run" / "table.csv")
    assert accuracies(text, "float32")[0] in best[best.accepted].val_accuracy.round(2).tolist()


def test_evaluating_the_file_gives_the_accuracy_of_the_network(searched: Path) -> None:
    done = sparsecnn("evaluate", "net.safetensors", "validation.share=0.2", "threads=1", folder=searched)
    assert done.returncode == 0, done.stderr
    expected = accuracies((searched / "pack.txt").read_text(), "float32")
    assert accuracies(done.stdout, "net.safetensors") == expected


def test_inspect_accounts_for_every_byte(searched: Path) -> None:
    done = sparsecnn("inspect", "net.safetensors", "-o", "layers.csv", folder=searched)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(searched / "layers.csv")
    assert table.layer.tolist() == ["conv1", "conv2", "conv3", "ip1", "ip2"]
    size = (searched / "net.safetensors").stat().st_size
    line = next(row for row in done.stdout.splitlines() if row.startswith("layers "))
    layers, others, header = (int(line.split(word)[1].split()[0]) for word in ("layers ", "normalisation ", "header "))
    assert layers == table.bytes.sum()
    assert layers + others + header == size
    assert f"= {size} bytes" in line


def test_integers_make_the_file_smaller_and_a_short_training_may_come_first(searched: Path) -> None:
    options = ["value=int4", "solver@fine_tune=retrain", "fine_tune.epochs=1"]
    done = sparsecnn("pack", "run", "--within", "1/1.05", "-o", "small.safetensors", *options, "-q", folder=searched)
    assert done.returncode == 0, done.stderr
    assert "points lost" in done.stdout
    assert (searched / "small.safetensors").stat().st_size < 0.4 * (searched / "net.safetensors").stat().st_size


def test_the_paper_formats_write_the_bytes_that_the_table_counts(searched: Path) -> None:
    options = ["formats=paper", "-o", "paper.safetensors", "-q"]
    assert sparsecnn("pack", "run", "--within", "1/1.05", *options, folder=searched).returncode == 0
    best = sparsecnn("best", "run", "--within", "1/1.05", "-o", "best.csv", folder=searched)
    assert best.returncode == 0
    data = (searched / "paper.safetensors").read_bytes()
    payload = len(data) - 8 - int.from_bytes(data[:8], "little")
    assert payload == pd.read_csv(searched / "best.csv").memory_bytes[0]


def test_the_only_network_of_a_run_needs_no_budget(searched: Path) -> None:
    (searched / "one" / "checkpoints").mkdir(parents=True)
    for name, copied in {"config.yaml": "config.yaml", "base_seed0.safetensors": "checkpoints/k.safetensors"}.items():
        shutil.copyfile(searched / "run" / name, searched / "one" / copied)
    done = sparsecnn("pack", "one", "-o", "one.safetensors", "-q", folder=searched)
    assert done.stdout.splitlines()[-2] == "network k", done.stderr


def test_unpacked_weights_start_another_training(searched: Path) -> None:
    assert sparsecnn("unpack", "net.safetensors", "-o", "weights.safetensors", folder=searched).returncode == 0
    options = [
        "model.weights=weights.safetensors",
        "search.rounds=1",
        "search.retrain.epochs=0.2",
        "run_dir=again",
        "validation.share=0.2",
        "-q",
    ]
    done = sparsecnn("greedy-search", *options, "threads=1", folder=searched)
    table = pd.read_csv(searched / "again" / "table.csv")
    assert done.returncode in (0, 4), done.stderr
    assert table.val_accuracy.round(2)[0] == accuracies((searched / "pack.txt").read_text(), "float32")[0]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["pack", "run", "-o", "x"], 2, "run holds several networks: say --within BUDGET, or name one of its files"),
        (["pack", ".", "-o", "x"], 2, ". holds no weights of a network"),
        (["pack", "run", "--within", "1/100000", "-o", "x"], 4, "no network takes at most"),
        (["pack", "nothing.safetensors", "-o", "x"], 2, "does not lie in a run folder"),
        (["pack", "run/base_seed0.safetensors", "-o", "x", "value=int9"], 2, "value must be float32"),
        (
            ["pack", "run/base_seed0.safetensors", "-o", "x", "formats=most"],
            2,
            "formats must be all or paper, got most",
        ),
        (["pack", "run/base_seed0.safetensors", "-o", "x", "solver@fine_tune=retrain"], 2, "value must not be float32"),
        (["pack", "run/base_seed0.safetensors", "-o", "x", "data.foldr=y"], 2, "there is no key data.foldr"),
        (["pack", "run/base_seed0.safetensors", "-o", "run/base_seed0.safetensors/x"], 1, "cannot be written"),
        (["pack", "run/table.csv", "-o", "x"], 3, "no safetensors file"),
        (["pack", "run/base_seed0.safetensors", "-o", "run/base_seed0.safetensors"], 2, "it would be lost"),
        (["unpack", "net.safetensors", "-o", "./net.safetensors"], 2, "it would be lost"),
        (["plot-storage", "net.safetensors", "-o", "x"], 3, "net.safetensors holds no weights of layers"),
        (["inspect", "net.safetensors", "-o", "run/table.csv/x.csv"], 1, "cannot be written"),
        (["export", "net.safetensors", "--format", "c", "-o", "/"], 2, "--output / names no file"),
        (["export", "net.safetensors"], 2, "Missing option '--format'. Choose from: c, onnx ("),
        (["inspect", "nothing"], 3, "nothing cannot be read: No such file or directory"),
        (["inspect", "run/base_seed0.safetensors"], 3, "is no intact packed network: it has no metadata"),
        (["inspect", "run"], 3, "run cannot be read: Is a directory"),
        (["unpack", "run/table.csv", "-o", "x"], 3, "is no intact packed network: its header cannot take"),
        (["evaluate", "nothing"], 3, "nothing cannot be read"),
        (["evaluate", "net.safetensors", "data=none"], 2, "data"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    searched: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(searched)
    done = CliRunner().invoke(main, [*arguments, "-q"] if arguments[0] in ("pack", "evaluate") else arguments)
    assert done.exit_code == code, done.output
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert message in error
    assert not (searched / "x").exists()


def test_a_file_becomes_c_source_and_an_onnx_model(searched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(searched)
    done = CliRunner().invoke(main, ["export", "net.safetensors", "--format", "c", "-o", "tiny"])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[:2] == ["tiny.c", "tiny.h"]
    assert "of tables" in done.stdout
    assert "void tiny_run(const float *image, float *scores);" in Path("tiny.h").read_text()
    assert CliRunner().invoke(main, ["export", "net.safetensors", "--format", "c", "-o", "9x"]).exit_code == 2
    assert CliRunner().invoke(main, ["export", "net.safetensors", "--format", "c", "--sparse"]).exit_code == 2
    done = CliRunner().invoke(main, ["export", "net.safetensors", "--format", "onnx", "--sparse"])
    assert done.exit_code == 0, done.output
    assert done.stdout == f"net.onnx: {Path('net.onnx').stat().st_size} bytes\n"


def test_the_storage_figure_is_drawn_with_its_numbers(searched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(searched)
    done = CliRunner().invoke(main, ["plot-storage", "run", "--within", "1/1.05", "-o", "storage"])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == ["storage.png", "storage.svg", "storage.csv"]
    table = pd.read_csv("storage.csv")
    dense = table[table.way == "dense"].set_index("layer")
    assert (dense.bytes == 4 * dense.weights).all()
    total = table[(table.layer == "all layers") & (table.way == "adaptive")].iloc[0]
    assert total.bytes == table[(table.layer != "all layers") & (table.way == "adaptive")].bytes.sum()
    assert total.over_bound == pytest.approx(total.bytes / total.bound_bytes, rel=1e-5)


def test_bench_shows_how_layers_are_computed_and_compares(searched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(searched)
    options = ["--batch", "2", "--rounds", "2", "--threads", "1", "-o", "bench.csv"]
    done = CliRunner().invoke(main, ["bench", "net.safetensors", *options, "--against", "torch eager"])
    assert done.exit_code == 0, done.output
    assert "is_sparse" in done.stdout
    table = pd.read_csv("bench.csv")
    assert table.contender.tolist() == ["sparsecnn", "torch eager"]
    assert (table.largest_difference < 1e-5).all()
    assert table.ratio[0] == 1.0
    assert CliRunner().invoke(main, ["bench", "net.safetensors", "--against", "abacus"]).exit_code == 2


def test_data_of_another_shape_is_refused(searched: Path) -> None:
    lie = (searched / "net.safetensors").read_bytes()
    header = json.loads(lie[8 : 8 + int.from_bytes(lie[:8], "little")])
    assert header["__metadata__"]["input"] == "1x8x8"
    shutil.copyfile(searched / "net.safetensors", searched / "copy.safetensors")
    folder = _image_folder(searched)
    options = ["data=image_folder", f"data.folder={folder}", "data.size=8", "validation.share=0"]
    done = sparsecnn("evaluate", "copy.safetensors", *options, folder=searched)
    assert done.returncode == 3, done.stderr
    assert "takes images of 1x8x8, images has 3x8x8; data= chooses other data" in done.stderr


def test_data_chosen_anew_takes_its_own_keys_before_and_behind_it(searched: Path) -> None:
    folder = _image_folder(searched)
    for choice in (["data=image_folder", f"data.folder={folder}"], [f"data.folder={folder}", "data=image_folder"]):
        options = [*choice, "data.size=8", "validation.share=0", "-q"]
        done = sparsecnn("pack", "run/base_seed0.safetensors", "-o", "x", *options, folder=searched)
        assert done.returncode == 3, done.stderr
        assert "does not fit the model" in done.stderr


def _image_folder(place: Path) -> Path:
    """Two classes of two colour images of 8 x 8 pixels."""
    folder = place / "images"
    for split, label, name in itertools.product(("train", "val"), ("a", "b"), ("one.png", "two.png")):
        (folder / split / label).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (10, 20, 30)).save(folder / split / label / name)
    return folder


@pytest.mark.parametrize(("memory", "value"), [("packed", "float32"), ("packed_int8", "int8")])
def test_a_search_can_count_the_bytes_of_the_packed_file(tmp_path: Path, memory: str, value: str) -> None:
    options = [option for option in SEARCH if not option.startswith("search.rounds")]
    done = sparsecnn(*options, f"search.memory={memory}", "search.rounds=1", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    row = pd.read_csv(tmp_path / "run" / "table.csv").query("accepted and round == 1").iloc[0]
    weights = f"run/checkpoints/{row.key}.safetensors"
    done = sparsecnn("pack", weights, "-o", "net.safetensors", f"value={value}", "-q", folder=tmp_path)
    assert (tmp_path / "net.safetensors").stat().st_size == row.memory_bytes
    assert accuracies(done.stdout, value) == [round(row.val_accuracy, 2), round(row.test_accuracy, 2)]
    done = sparsecnn("pack", "run", "--within", f"{row.memory_bytes}", "-o", "same.safetensors", "-q", folder=tmp_path)
    assert (tmp_path / "same.safetensors").read_bytes() == (tmp_path / "net.safetensors").read_bytes()
    assert "larger than" not in done.stderr
    options = ["value=float32", "formats=paper", "--within", f"{row.memory_bytes}", "-o", "large.safetensors"]
    done = sparsecnn("pack", "run", *options, folder=tmp_path)
    assert f"the file is larger than {row.memory_bytes}: the search counted memory as {memory}" in done.stderr


def test_an_unknown_kind_of_memory_is_refused(tmp_path: Path) -> None:
    done = sparsecnn("greedy-search", "search.memory=most", folder=tmp_path)
    assert done.returncode == 2
    assert "search.memory must be one of paper, packed, packed_int8, got most" in done.stderr
