"""Amounts of memory as text."""

import pytest

from sparsecnn.sizes import readable, to_bytes


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (65536, 65536),
        ("65536", 65536),
        ("64KiB", 65536),
        (" 1.5 MiB ", 1572864),
        ("2 gib", 2**31),
        ("1/20", 50),
        ("4/5", 800),
    ],
)
def test_memory_is_read_as_people_write_it(size: str | float, expected: float) -> None:
    assert to_bytes(size, dense_bytes=1000) == expected


@pytest.mark.parametrize("size", ["", "many", "64kB", "-3", "2/", "0/3", "1/2/3", "1/0x", "1/0", "0", "0KiB"])
def test_anything_else_is_refused_with_the_forms_that_are_known(size: str) -> None:
    with pytest.raises(ValueError, match=r"memory must be above 0, like 65536, 64KiB, 1\.5MiB or 1/20 of dense, got"):
        to_bytes(size, dense_bytes=1000)


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (582_312, "568.7 KiB"), (2**31, "2.0 GiB")]
)
def test_memory_is_shown_in_the_unit_that_fits(size: float, text: str) -> None:
    assert readable(size) == text
