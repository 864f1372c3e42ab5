"""Lambda entry point of users, and of every path for which the gateway has no other route."""

from handlers.http.application import ScimApplication
from handlers.http.routes.all_routes import find_endpoint

handler = ScimApplication(find_endpoint)
