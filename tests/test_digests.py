"""Names of results."""

from sparsecnn.digests import digest, seed_of


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert 0 <= seed_of("abc") < 2**62


def test_names_of_results_are_pinned() -> None:
    # A change here orphans every stored result: make it on purpose, and say so in the changelog.
    assert digest({"a": 1}) == "cdda363ee872a0c9"
