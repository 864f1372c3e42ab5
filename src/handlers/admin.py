"""Lambda entry point of the console, which has the rights of an operator."""

from handlers.console.application import ConsoleApplication

handler = ConsoleApplication()
