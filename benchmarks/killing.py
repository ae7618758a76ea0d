"""Actors of a Ray cluster on this machine, killed at random."""

import os
import random
import signal
import threading
import time
from pathlib import Path


class Killing(threading.Thread):
    """Kills an actor every `seconds` or so until `is_over` is set, `most` in all; `seed` makes its choices."""

    def __init__(self, seconds: float, most: int) -> None:
        super().__init__(daemon=True)
        self.seconds, self.most, self.is_over = seconds, most, False
        self.seed, self.count = random.SystemRandom().randrange(2**32), 0

    def run(self) -> None:
        """Waits first: an actor needs some seconds to begin."""
        chance = random.Random(self.seed)
        while not self.is_over and self.count < self.most:
            time.sleep(chance.uniform(0.5, 1.5) * self.seconds)
            actors = [int(comm.parent.name) for comm in Path("/proc").glob("[0-9]*/comm") if _is_actor(comm)]
            if actors and not self.is_over:
                os.kill(chance.choice(actors), signal.SIGKILL)
                self.count += 1


def _is_actor(comm: Path) -> bool:
    try:
        return comm.read_text().startswith("ray::Actor")
    except OSError:  # it has ended meanwhile
        return False
