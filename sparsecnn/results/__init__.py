"""Results: rows in a store, tables out of it."""

from sparsecnn.results.exports import (
    STORE,
    export,
    read_details,
    read_each,
    read_rows,
    read_runs,
    read_runs_rows,
    write_table,
)
from sparsecnn.results.names import named, names_of
from sparsecnn.results.rows import CandidateRow, EpochRow, LayerEpochRow, LossRow, Phase, Status
from sparsecnn.results.store import RunStore

__all__ = [
    "STORE",
    "CandidateRow",
    "EpochRow",
    "LayerEpochRow",
    "LossRow",
    "Phase",
    "RunStore",
    "Status",
    "export",
    "named",
    "names_of",
    "read_details",
    "read_each",
    "read_rows",
    "read_runs",
    "read_runs_rows",
    "write_table",
]
