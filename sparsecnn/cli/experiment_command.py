"""Commands that run an experiment from a configuration."""

from collections.abc import Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from sparsecnn.cli.guard import guarded
from sparsecnn.cli.options import debug_option


class ConfiguredCommand(click.Command):
    """A command whose help ends with its config groups and the choices in each."""

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Hydra is imported here, so that the help of the program stays quick."""
        from sparsecnn.config import groups

        with guarded(debug=False), formatter.section("Config groups (GROUP=CHOICE)"):
            formatter.write_dl([(name, ", ".join(choices)) for name, choices in groups(_config(self)).items()])
        formatter.write_paragraph()
        shown = "; --cfg shows them all" if any(parameter.name == "cfg" for parameter in self.params) else ""
        formatter.write_text(f"Any other key is set with KEY=VALUE{shown}.")


def experiment_command(name: str, help_text: str) -> click.Command:
    """The command `name`, run by the configuration of the same name with underscores."""

    @click.command(name, cls=ConfiguredCommand, help=help_text)
    @click.argument("overrides", nargs=-1, type=click.UNPROCESSED, shell_complete=_complete)
    @click.option("-m", "--multirun", is_flag=True, help="Run every combination of swept values (a=1,2 b=x,y).")
    @click.option("--cfg", is_flag=True, help="Print the composed configuration and stop.")
    @click.option(
        "--config-dir",
        type=click.Path(path_type=Path),
        help="A folder with group files of your own.",
    )
    @click.option("-q", "--quiet", is_flag=True, help="No progress bars and no log on the terminal.")
    @debug_option
    @click.pass_context
    def command(
        context: click.Context,
        overrides: tuple[str, ...],
        multirun: bool,
        cfg: bool,
        config_dir: Path | None,
        quiet: bool,
        debug: bool,
    ) -> None:
        with guarded(debug=debug):
            for job in _jobs(overrides, multirun=multirun):
                _run(_config(context.command), job, config_dir, cfg=cfg, quiet=quiet)

    return command


def _jobs(overrides: Sequence[str], *, multirun: bool) -> Sequence[Sequence[str]]:
    from sparsecnn.config import sweep

    return sweep(overrides) if multirun else [overrides]


def _run(config: str, overrides: Sequence[str], config_dir: Path | None, *, cfg: bool, quiet: bool) -> None:
    from sparsecnn.config import check, compose

    composed = compose(config, overrides, config_dir)
    if cfg:
        check(composed.nodes)
        click.echo(composed.text(), nl=False)
        return
    # torch takes seconds to import: nobody should wait for it to be told of a typing error.
    from sparsecnn.cli.execution import execute

    execute(config, composed, overrides, quiet=quiet)


def _config(command: click.Command) -> str:
    assert command.name is not None
    return command.name.replace("-", "_")


def _complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from sparsecnn.config import groups

    known = groups(_config(context.command))
    group, equals, _ = incomplete.partition("=")
    words = [f"{group}={choice}" for choice in known.get(group, ())] if equals else [f"{name}=" for name in known]
    # bash breaks words at "=": it asks for `res` after `model` and `=`, and puts the answer in place of `res` alone.
    broken = [word for word in context.params.get("overrides") or () if word != "="][-1:]
    if broken and broken[0] in known:
        words = known[broken[0]]
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]
