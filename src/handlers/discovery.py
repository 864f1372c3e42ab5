"""Lambda entry point for discovery, which has no right to users."""

from handlers.http.application import ScimApplication
from handlers.http.routes.discovery import find

handler = ScimApplication(find, resources=False)
