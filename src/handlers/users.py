"""Lambda entry point for users, and for every path that the gateway has no route for."""

from handlers.application import Application
from handlers.routes.everything import find

handler = Application(find)
