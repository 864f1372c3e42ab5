"""Lambda entry point for discovery, which has no right to users."""

from handlers.application import Application
from handlers.routes.discovery import find

handler = Application(find, resources=False)
