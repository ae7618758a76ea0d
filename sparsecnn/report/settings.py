"""How the runs were made: settings that differ from the defaults, environments, and the commands to redo them."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparsecnn.report.source import Source
from sparsecnn.report.words import MISSING, listed

ABSENT = MISSING
PARTIAL = "._partial_"  # follows from the target, and says nothing of the run
NOT_OF_THE_MACHINE = ("command", "started_at", "git", "git_is_dirty")


@dataclass(frozen=True)
class Setting:
    """A dotted key, its value in the runs (`values`, one a run, or one for all), and today's default."""

    key: str
    values: tuple[str, ...]
    default: str

    @property
    def is_shared(self) -> bool:
        """Whether all runs have one value."""
        return len(set(self.values)) == 1


def changed_settings(sources: Sequence[Source]) -> list[Setting]:
    """The settings in which a run differs from the defaults of its command, in the order of the configurations.

    A part that a default has none of, such as `search.refine`, is one setting with all its values.
    """
    told = [(_gathered(source.settings, source.defaults), source.defaults) for source in sources if source.settings]
    found = []
    for key in dict.fromkeys(key for settings, _ in told for key in settings):
        values = tuple(_shown(settings, key) for settings, _ in told)
        defaults = tuple(_shown(default, key) for _, default in told)
        if any(value not in (default, ABSENT) for value, default in zip(values, defaults, strict=True)):
            found.append(Setting(key, values, listed(defaults, "or")))
    return found


def _gathered(settings: Mapping[str, object], defaults: Mapping[str, object]) -> dict[str, object]:
    """The settings, in which what lies under a key that the defaults hold as null is text under that key."""
    found: dict[str, object] = {}
    for key, value in settings.items():
        if key.endswith(PARTIAL):
            continue
        parts = key.split(".")
        above = [".".join(parts[:length]) for length in range(1, len(parts))]
        part = next((name for name in above if name in defaults), None)
        if part is None:
            found[key] = value
        else:
            line = f"{key.removeprefix(f'{part}.')}: {_shown(settings, key)}"
            found[part] = f"{found[part]}, {line}" if part in found else line
    return found


def environments(sources: Sequence[Source]) -> list[tuple[list[str], list[tuple[str, str]]]]:
    """The machines, each with the runs that ran on it and its facts as pairs."""
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for source in sources:
        facts = tuple(_facts(source.environment))
        if facts:
            found.setdefault(facts, []).extend(source.runs)
    return [(runs, list(facts)) for facts, runs in found.items()]


def commands(source: Source, budgets: Sequence[str]) -> list[str]:
    """Shell lines that make the run again and show it, in their order; a line that begins with # is a remark."""
    environment, place = source.environment, shlex.quote(str(source.path))
    lines = []
    if environment.get("git"):
        changed = "  # with changes that were not committed" if environment.get("git_is_dirty") else ""
        lines.append(f"git checkout {environment['git']}{changed}")
    lines += _weights(source)
    lines += _making(source)
    if source.command == "greedy-search":
        within = " ".join(f"--within {shlex.quote(budget)}" for budget in budgets)
        lines += [f"sparsecnn best {place} {within}", f"sparsecnn plot-frontier {place}"]
    else:
        lines.append(f"sparsecnn table {place}")
    return lines


def _weights(source: Source) -> list[str]:
    """What comes before a run that begins with the weights of another."""
    weights = source.settings.get("model.weights")
    if weights is None:
        return []
    made = shlex.join(source.weights_command)
    return [f"{made}  # the weights to begin with"] if made else [f"# it begins with the weights in {weights}"]


def _making(source: Source) -> list[str]:
    typed = source.typed
    if len(source.runs) > 1 and typed:
        return [f"# these runs, or one of them, were made by: {shlex.join(typed)}"]
    if not source.overrides:
        return [shlex.join(typed) if typed else "# nothing beside the table says how it was made"]
    lines = [shlex.join(["sparsecnn", source.command, *source.overrides])]
    more = [word for word in typed[2:] if word not in ("-q", "--quiet", *source.overrides)]
    # Several runs at once, or a folder of configurations.
    return [*lines, f"# it was one of: {shlex.join(typed)}"] if more else lines


def _facts(environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = [
        (name, value) for name, value in environment.items() if name not in NOT_OF_THE_MACHINE and value is not None
    ]
    rows = [(name, str(value)) for name, value in facts if not isinstance(value, dict)]
    packages = [(str(name), str(value)) for _, part in facts if isinstance(part, dict) for name, value in part.items()]
    return [*rows, *sorted(packages)]


def _shown(settings: Mapping[str, object], key: str) -> str:
    if key not in settings:
        return ABSENT
    value = settings[key]
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)
