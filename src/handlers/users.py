"""Lambda entry point for ``/Users``, and for every path that has no route in API Gateway."""

from handlers.http.application import ScimApplication
from handlers.http.routes.all_routes import find_endpoint
from handlers.http.routes.discovery import find_public_endpoint

handler = ScimApplication(find_endpoint, find_public_endpoint)
