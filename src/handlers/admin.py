"""Lambda entry point of the console. This function has the permissions of an operator."""

from handlers.console.application import ConsoleApplication

handler = ConsoleApplication()
