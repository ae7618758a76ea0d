"""What an experiment ends with."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Outcome:
    """All rows of the run, and in one line why it fell short of what was asked, if it did."""

    table: pd.DataFrame
    shortfall: str | None = None
