"""Lambda entry point of users, and of every path that has no other route in API Gateway."""

from handlers.http.application import ScimApplication
from handlers.http.routes.all_routes import find_endpoint

handler = ScimApplication(find_endpoint)
