"""A wrong override is named even where others are right only of a choice that was made; a mapping is no number."""

import re

import pytest

from sparsecnn.config import build, compose
from sparsecnn.errors import ConfigError

LEAN = ["model=lean_resnet", "model.widths=[4,8]"]
STEP_OPERATOR = "operator@model.step.operator"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([*LEAN, "foo=1"], "there is no key foo"),
        ([*LEAN, "model.stepps=1"], "there is no key model.stepps; did you mean model.steps?"),
        ([*LEAN, "data=digit"], "data has no choice digit; did you mean digits? (choices: "),
        ([*LEAN, f"{STEP_OPERATOR}=foo"], f"{STEP_OPERATOR} has no choice foo (choices: bitwise, "),
        (["model=imex_resnet", f"{STEP_OPERATOR}=lean"], f"there is no key {STEP_OPERATOR}"),
        (["model=lenet", "model.widths=[4]"], "there is no key model.widths; did you mean model.weights?"),
    ],
)
def test_the_wrong_one_is_named(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        compose("train", overrides)


@pytest.mark.parametrize("key", ["step.h", "step.operator.group_size", "steps"])
def test_a_mapping_is_no_number(key: str) -> None:
    nodes = compose("train", [*LEAN, f"model.{key}={{a:1}}"]).nodes
    with pytest.raises(ConfigError, match=rf"model\.{key} must be a (whole )?number, got {{'a': 1}}"):
        build(nodes)
