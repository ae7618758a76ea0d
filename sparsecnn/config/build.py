"""A composed configuration to objects, with keys and types checked against what each target takes."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

import typeguard
from hydra.errors import HydraException, InstantiationException
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig, OmegaConf, open_dict

from sparsecnn.config.explain import suggestion
from sparsecnn.errors import ConfigError, SparsecnnError

PLAIN = (bool, int, float, str, list, type(None))


def build(nodes: DictConfig) -> Any:
    """The object of `nodes.run`, with all that hangs on it.

    Every `_target_` is imported: a configuration from a stranger is code. Raises ConfigError for a target that cannot
    be imported, a key that it does not take, and a value of the wrong type or out of its range.
    """
    config = OmegaConf.create(OmegaConf.to_container(nodes, resolve=True))
    assert isinstance(config, DictConfig)
    with open_dict(config):
        # `model.weights` belongs to every model, whatever its own parameters are.
        for node in (config.model, config.run.parts.model):
            node.pop("weights", None)
    for name in config:
        if name not in ("run", "parts"):
            _check(config[name], str(name))
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


def _check_arguments(node: DictConfig, path: str) -> None:
    target = _target(str(node._target_), path)
    parameters, hints = _signature(target)
    if parameters is None:
        return
    names = [name for name, parameter in parameters.items() if parameter.kind is not parameter.VAR_KEYWORD]
    takes_any = len(names) < len(parameters)
    for key in (str(key) for key in node if not str(key).startswith("_")):
        if key not in names and not takes_any:
            raise ConfigError(f"there is no key {path}.{key}{suggestion(f'{path}.{key}', _paths(path, names))}")
        value = node[key]
        if key in hints and isinstance(value, PLAIN):
            _check_type(value, hints[key], f"{path}.{key}")


def _check_type(value: Any, hint: Any, path: str) -> None:
    try:
        typeguard.check_type(value, hint)
    except typeguard.TypeCheckError as error:
        wanted = getattr(hint, "__name__", None) if isinstance(hint, type) else None
        raise ConfigError(f"{path} must be {wanted or str(hint).replace('typing.', '')}, got {value}") from error


def _target(name: str, path: str) -> Callable[..., Any]:
    try:
        target: Callable[..., Any] = get_object(name)
    except Exception as error:  # importing runs the user's own module, which may raise anything
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
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
