"""Lambda entry point for the console, which has the rights of an operator."""

from handlers.console.application import ConsoleApplication

handler = ConsoleApplication()
