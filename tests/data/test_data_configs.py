"""The yaml files of conf/data: each composes, and names a function that takes its keys."""

import inspect
from pathlib import Path

import pytest
from hydra.utils import get_object
from omegaconf import OmegaConf

FILES = sorted((Path(__file__).parents[2] / "conf" / "data").glob("*.yaml"))
# The one whose function the user names.
OPEN = "custom"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_config_opens_with_a_sentence_and_the_command_that_uses_it(path: Path) -> None:
    first, second, *_ = path.read_text().splitlines()
    assert first.startswith("# ")
    assert first.endswith(".")
    assert second.startswith(f"# sparsecnn train data={path.stem}")


@pytest.mark.parametrize("path", [path for path in FILES if path.stem != OPEN], ids=lambda path: path.stem)
def test_a_config_names_a_function_and_gives_exactly_what_it_takes(path: Path) -> None:
    node = OmegaConf.load(path)
    keys = {str(key) for key in node if not str(key).startswith("_")}
    assert keys == set(inspect.signature(get_object(str(node["_target_"]))).parameters)
    assert node["_partial_"] is True


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "cifar100", "stl10"])
def test_downloads_go_to_the_variables_folder_or_the_home_folder(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = next(path for path in FILES if path.stem == name)
    monkeypatch.delenv("SPARSECNN_DATA_DIR", raising=False)
    assert OmegaConf.load(path)["root"] == "~/.cache/sparsecnn/datasets"
    monkeypatch.setenv("SPARSECNN_DATA_DIR", "/sets")
    assert OmegaConf.load(path)["root"] == "/sets"
