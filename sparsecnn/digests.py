"""What makes a result, as a hash: the name under which it is found again."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Raised when the same configuration gives other numbers than before; older rows are then trained anew.
RESULT_VERSION = 1
KEY_LENGTH = 16


def digest(made_of: Mapping[str, Any]) -> str:
    """A hexadecimal name of 16 letters for a nested mapping of plain values; the order of keys does not matter."""
    text = json.dumps({"version": RESULT_VERSION, **made_of}, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=KEY_LENGTH // 2).hexdigest()


def seed_of(key: str) -> int:
    """The seed of one training, in [0, 2^62): candidates of one search do not share their randomness."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") >> 2


def file_digest(path: Path) -> str:
    """A name for the content of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:KEY_LENGTH]
