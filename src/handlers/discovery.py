"""Lambda entry point of the discovery endpoints. This function has no permission to read users."""

from handlers.http.application import ScimApplication
from handlers.http.routes.discovery import find_endpoint, find_public_endpoint

handler = ScimApplication(find_endpoint, find_public_endpoint, has_resources=False)
