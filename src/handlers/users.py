"""Lambda entry point for users, and for every path that the gateway has no route for."""

from handlers.http.application import ScimApplication
from handlers.http.routes.all_routes import find

handler = ScimApplication(find)
