"""The storage formats by name."""

from sparsecnn.storage.adaptive_mask import ADAPTIVE
from sparsecnn.storage.format import Format
from sparsecnn.storage.gap_formats import RICE, relative
from sparsecnn.storage.periodic import PERIODIC
from sparsecnn.storage.plain_formats import BITMASK, CSR, DENSE

# Gaps of 3 to 10 bits are the cheapest ones between densities of about 1/4 and 1/1000.
_INDEXED = (DENSE, BITMASK, CSR, *(relative(gap_bits) for gap_bits in range(3, 11)), PERIODIC)

# What the results of a search are measured in (docs/memory.md): sizes by formula, dense first, which wins a tie.
PAPER_FORMATS: dict[str, Format] = {form.name: form for form in _INDEXED}
# What a packed file may use beyond them (docs/packed-format.md).
FORMATS: dict[str, Format] = {**PAPER_FORMATS, RICE.name: RICE, ADAPTIVE.name: ADAPTIVE}
