"""Lambda entry point for discovery, which has no right to users."""

from handlers.application import Application
from handlers.routes import find_discovery

handler = Application(lambda segments, _: find_discovery(segments))
