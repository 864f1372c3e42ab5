"""Lambda entry point for bulk requests, which have a function of their own for their memory and concurrency."""

from handlers.application import Application
from handlers.routes.bulk import find

handler = Application(find)
