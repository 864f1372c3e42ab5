"""Lambda entry point of discovery, which has no right to read users."""

from handlers.http.application import ScimApplication
from handlers.http.routes.discovery import find_endpoint

handler = ScimApplication(find_endpoint, has_resources=False)
