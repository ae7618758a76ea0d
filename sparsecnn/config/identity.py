"""The part of a configuration that makes its results, and the folder that is named after it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from sparsecnn.config.compose import WIRING, Composed
from sparsecnn.digests import digest
from sparsecnn.errors import ConfigError

# Where things lie, what computes them and what is shown. Data and weights enter a result's key by their content.
NOT_RESULTS = {"runs_dir", "run_dir", "device", "threads", "executor", "training", "tensorboard", "experiment"}
PLACES = {"folder", "root", "cache", "workers", "in_memory", "max_memory_bytes"}
# When a search stops does not change the candidates it tries before: a longer one goes on in the same folder.
STOPPING = {"target_memory", "accuracy_floor", "rounds"}
# Values of the search with which it is that of the paper; keys that begin with such a name do nothing then.
OFF = {"memory": "paper", "start": "dense", "screen": None, "halving": None}


def identity(composed: Composed) -> dict[str, Any]:
    """The nodes without wiring, places and stopping rules, as plain values; `model.weights` is null."""
    nodes = OmegaConf.to_container(composed.nodes, resolve=True)
    assert isinstance(nodes, dict)
    kept = {str(name): node for name, node in nodes.items() if name not in NOT_RESULTS and name not in WIRING}
    kept.pop("seeds", None)
    for node, leave_out in (("data", PLACES), ("search", STOPPING)):
        if isinstance(kept.get(node), dict):
            kept[node] = {name: value for name, value in kept[node].items() if name not in leave_out}
    if isinstance(kept.get("data"), dict) and kept["data"].get("cuts") == "usual":  # as before there was the key
        kept["data"].pop("cuts")
    if isinstance(kept.get("search"), dict):
        kept["search"] = _chosen(kept["search"])
    # Of how networks are trained, what is recorded of it makes a table; nothing is where it is off.
    if nodes["training"]["loss_every"] is not None:
        kept["training"] = {"loss_every": nodes["training"]["loss_every"]}
    if kept.get("train_split", {}).get("share") == 1:  # all of it, as in runs from before there was the node
        kept.pop("train_split")
    kept["model"] = {**kept["model"], "weights": None}
    return kept


def _chosen(search: dict[str, Any]) -> dict[str, Any]:
    """The node without choices that are off, so that runs from before there was a choice keep their keys."""
    off = {name for name, value in OFF.items() if search.get(name) == value}
    chosen = {name: value for name, value in search.items() if not any(name.startswith(prefix) for prefix in off)}
    if search.get("start") == "knapsack":  # it looks at the images that screening would look at
        chosen["screen_images"] = search["screen_images"]
    return chosen


def run_folder(command: str, composed: Composed, identity: Mapping[str, Any]) -> Path:
    """`run_dir` if it is set, else `runs_dir`/command/model-data-hash; ConfigError when one of them is no name."""
    nodes = composed.nodes
    for name in ("run_dir", "runs_dir"):
        if nodes[name] == "" or (nodes[name] is None and name == "runs_dir"):
            raise ConfigError(f"{name} must name a folder")
    if nodes.run_dir is not None:
        return Path(str(nodes.run_dir))
    # Two folders of images, ways to read them, or files of weights are several runs, even before they are read.
    places = {"weights": nodes.model.get("weights"), **{name: nodes.data.get(name) for name in ("folder", "in_memory")}}
    name = digest({"identity": identity, "places": places})[:8]
    choices = composed.choices
    return Path(str(nodes.runs_dir)) / command / f"{choices['model']}-{choices['data']}-{name}"
