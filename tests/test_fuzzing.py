"""A short run of the fuzzer of packed files; `python tests/fuzzing.py --count 100000` is the long one."""

import random
from pathlib import Path

from fuzzing import fuzz, mutated, originals, read, with_checksum


def test_mutated_files_are_refused_in_one_line_or_read_within_time_and_memory(tmp_path: Path) -> None:
    ends = fuzz(400, random.SystemRandom().randrange(2**32), tmp_path)
    assert ends.total() == 400
    assert len(ends) > 20


def test_the_fuzzer_reaches_what_lies_behind_the_checksum(tmp_path: Path) -> None:
    source, (original, *_) = random.Random(0), originals()
    assert with_checksum(original) == original
    path = tmp_path / "net.safetensors"
    path.write_bytes(original)
    assert read(path) == "read"
    ends = set()
    for _ in range(200):
        path.write_bytes(mutated(original, source))
        ends.add(read(path))
    assert any("is damaged" in end for end in ends)
    assert any("checksum" in end for end in ends)
