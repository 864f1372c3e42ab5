"""The errors of commands, with their exit codes. Their messages are for the user, and say what to do."""

import click

LIST_TENANTS = "To list the tenants: muster tenants"
"""What to do if there is no tenant with an id."""


class CommandError(click.ClickException):
    """A command failed. The message is one line for the user."""

    exit_code = 1

    def format_message(self) -> str:
        """Return the message with times for people, and without control characters."""
        from cli.output import format_sentence

        return "\n".join(map(format_sentence, self.message.splitlines()))


class InvalidInputError(CommandError):
    """An argument or an option is invalid."""

    exit_code = 2


class NotFoundError(CommandError):
    """The tenant, stack, schema or message does not exist."""

    exit_code = 3


class ConflictError(CommandError):
    """The current state does not allow the action."""

    exit_code = 4
