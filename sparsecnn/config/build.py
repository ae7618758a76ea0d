"""A composed configuration to objects, with keys and types checked against what each target takes."""

import inspect
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args, get_type_hints

import typeguard
from hydra.errors import HydraException, InstantiationException
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig, ListConfig, Node, OmegaConf, open_dict
from typeguard import CollectionCheckStrategy

from sparsecnn.config.compose import WIRING
from sparsecnn.config.explain import suggestion, words
from sparsecnn.errors import ConfigError, SparsecnnError

# Where the model stands in a configuration; one that reads no data has no `parts`.
MODELS = ("model", "run.model", "run.parts.model", "parts.model")


def check(nodes: DictConfig) -> DictConfig:
    """The resolved nodes, every key and plain value checked against what its target takes.

    Every `_target_` is imported, from the current folder too: a configuration from a stranger is code. Raises
    ConfigError for a target that cannot be imported, a key that it does not take, and a value of the wrong type.
    """
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    config = OmegaConf.create(OmegaConf.to_container(nodes, resolve=True))
    assert isinstance(config, DictConfig)
    with open_dict(config):
        # `model.weights` belongs to every model, whatever its own parameters are.
        for path in MODELS:
            if (node := OmegaConf.select(config, path)) is not None:
                node.pop("weights", None)
    for name in map(str, config):
        if name in WIRING:
            _check_wired(config[name], nodes[name])
        else:
            _check(config[name], name)
    return config


def build(nodes: DictConfig) -> Any:
    """The object of `nodes.run`, with all that hangs on it.

    Raises ConfigError as `check` does, and for a value out of its range.
    """
    config = check(nodes)
    try:
        return instantiate(config.run, _convert_="all")
    except HydraException as error:
        raise _as_config_error(error) from error


def _check(node: Any, path: str) -> None:
    if not isinstance(node, DictConfig):
        return
    if "_target_" in node:
        _check_arguments(node, path)
    for name in map(str, node):
        _check(node[name], f"{path}.{name}")


def _check_wired(node: DictConfig, wiring: DictConfig) -> None:
    """Checks plain values of a wiring node under the names of the keys that they come from."""
    _, hints = _signature(_target(str(node._target_), "run"))
    for key, source in _sources(wiring):
        if key in hints:
            _check_type(node[key], hints[key], source)


def _sources(wiring: DictConfig) -> Iterator[tuple[str, str]]:
    for key in map(str, wiring):
        raw = wiring._get_node(key)
        if isinstance(raw, Node) and raw._is_interpolation():
            yield key, str(raw._value()).strip("${}")


def _check_arguments(node: DictConfig, path: str) -> None:
    target = _target(str(node._target_), path)
    parameters, hints = _signature(target)
    if parameters is None:
        return
    names = [name for name, parameter in parameters.items() if parameter.kind is not parameter.VAR_KEYWORD]
    takes_any = len(names) < len(parameters)
    for key in (str(key) for key in node if not str(key).startswith("_")):
        if key not in names and not takes_any:
            near = suggestion(f"{path}.{key}", _paths(path, names)) or f"; ~{path}.{key} leaves it out"
            raise ConfigError(f"there is no key {path}.{key}{near}")
        if key in hints:
            _check_type(node[key], hints[key], f"{path}.{key}")


def _check_type(value: Any, hint: Any, path: str) -> None:
    if isinstance(value, DictConfig) and "_target_" in value:  # a part: it is checked as a node of its own
        return
    if isinstance(value, DictConfig | ListConfig):
        value = OmegaConf.to_container(value)
    # What a mapping holds may be parts.
    if not _fits({} if isinstance(value, dict) else value, hint):
        shown = {"None": "null", "True": "true", "False": "false"}.get(str(value), value)
        raise ConfigError(f"{path} must be {words(hint)}, got {shown}")


def _fits(value: Any, hint: Any) -> bool:
    kinds = [hint, *get_args(hint)]
    if isinstance(value, bool) and (int in kinds or float in kinds) and bool not in kinds:
        return False  # to Python it is a number
    try:
        typeguard.check_type(value, hint, collection_check_strategy=CollectionCheckStrategy.ALL_ITEMS)
    except typeguard.TypeCheckError:
        return False
    return True


def _target(name: str, path: str) -> Callable[..., Any]:
    logging.getLogger("hydra").setLevel(logging.CRITICAL)  # it would log what is raised here
    try:
        target: Callable[..., Any] = get_object(name)
    except Exception as error:  # importing runs the user's own module, which may raise anything
        cause = error.__cause__ or error
        reason = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
        raise ConfigError(f"{path}._target_ cannot be imported: {name} ({reason})") from error
    return target


def _signature(target: Callable[..., Any]) -> tuple[Mapping[str, inspect.Parameter] | None, dict[str, Any]]:
    try:
        parameters = inspect.signature(target).parameters
        hints = get_type_hints(getattr(target, "__init__") if isinstance(target, type) else target)  # noqa: B009
    except (TypeError, ValueError, NameError):
        return None, {}
    return parameters, hints


def _paths(path: str, names: list[str]) -> list[str]:
    return [f"{path}.{name}" for name in names if name != "self"]


def _as_config_error(error: HydraException) -> SparsecnnError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, SparsecnnError):
            return cause
        cause = cause.__cause__ or cause.__context__
    first = error.__cause__ if isinstance(error, InstantiationException) and error.__cause__ else error
    return ConfigError(f"the configuration cannot be built: {str(first).strip().splitlines()[0]}")
