"""A group that imports the module of a command when the command is used.

``muster --help`` and shell completion need only names and summaries, so they import neither botocore nor the use cases.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem


class CommandEntry(NamedTuple):
    """A command that is not imported yet.

    ``target`` is its module and its name there, such as ``tokens:connect``. ``summary`` is the first sentence of its
    help.
    """

    target: str
    summary: str


class LazyCommands(MutableMapping[str, click.Command]):
    """The commands of a group by name. A command is imported when it is looked up."""

    def __init__(self, entries: Mapping[str, CommandEntry]) -> None:
        self._entries = entries
        self._added: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name in self._added:
            return self._added[name]
        module, _, attribute = self._entries[name].target.partition(":")
        command: click.Command = getattr(import_module(f"cli.{module}"), attribute)
        return command

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._added[name] = command

    def __delitem__(self, name: str) -> None:
        del self._added[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._entries, **self._added})

    def __len__(self) -> int:
        return len({*self._entries, *self._added})

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self._added


class LazyGroup(click.Group):
    """A group of commands in sections. It shows each expected error in one line, with an exit code."""

    def __init__(self, *, sections: Mapping[str, Mapping[str, CommandEntry]], **kwargs: Any) -> None:
        self._sections = sections
        self._entries = {name: entry for section in sections.values() for name, entry in section.items()}
        super().__init__(commands=LazyCommands(self._entries), **kwargs)

    def list_commands(self, _context: click.Context) -> list[str]:
        """Return the names of the commands in the order of the sections."""
        return list(self.commands)

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands of each section with their summaries. The summaries are in one column."""
        width = max(map(len, self._entries))
        for title, section in self._sections.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:<{width}}", entry.summary) for name, entry in section.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands and options that begin with ``incomplete``."""
        commands = [
            CompletionItem(name, help=entry.summary)
            for name, entry in self._entries.items()
            if name.startswith(incomplete)
        ]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raise :class:`cli.errors.CommandError` for an expected error."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # any other than the expected ones is raised again
            from cli.error_translation import translate_error

            translated = translate_error(error)
            if translated is None:
                raise
            raise translated from error
