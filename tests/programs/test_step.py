"""The text of a program."""

import pytest

from sparsecnn.programs import Program, Step, parse_program

TEXT = "conv conv1 s2,1 p2 b;max_pool k3 s2 c;relu;flatten;linear ip1 b;scale v0.5;add @5 @6;shift v-1e-05"


def test_a_text_becomes_steps_and_steps_the_same_text() -> None:
    program = parse_program(TEXT)
    assert str(program) == TEXT
    assert program.steps[0] == Step("conv", (0,), "conv1", {"s": (2, 1), "p": (2,), "b": ()})
    assert program.steps[2] == Step("relu", (2,))
    assert program.steps[6].inputs == (5, 6)
    assert program.steps[7].options == {"v": (-1e-05,)}


def test_one_number_stands_for_all_sides() -> None:
    step = parse_program("conv a s2 p1,3").steps[0]
    assert step.integers("s", 2, 1) == [2, 2]
    assert step.integers("p", 2, 0) == [1, 3]
    assert step.integers("d", 2, 1) == [1, 1]
    with pytest.raises(ValueError, match="conv takes 3 numbers for p, not 2"):
        step.integers("p", 3, 0)
    with pytest.raises(ValueError, match="scale takes whole numbers for v"):
        parse_program("scale v0.5").steps[0].integers("v", 1, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "step 1 is an unknown"),
        ("conv", "step 1 names no layer"),
        ("relu;relu @2", "step 2 cannot be read: 'relu @2'"),
        ("relu @x", "step 1 cannot be read"),
        ("relu v1 v2", "step 1 cannot be read"),
        ("relu V1", "step 1 cannot be read"),
        ("relu v1..", "step 1 cannot be read"),
        ("relu;" * 10_001, "a program cannot have 10002 steps"),
    ],
)
def test_a_text_that_is_no_program_is_refused(text: str, message: str) -> None:
    from sparsecnn.programs import check_program

    with pytest.raises(ValueError, match=message):
        check_program(parse_program(text), {}, (1, 4, 4))


def test_a_program_is_its_steps() -> None:
    assert str(Program((Step("relu", (0,)), Step("multiply", (0, 1))))) == "relu;multiply @0 @1"
