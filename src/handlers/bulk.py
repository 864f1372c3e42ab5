"""Lambda entry point of bulk requests. They have their own function, with its own memory and concurrency limits."""

from handlers.http.application import ScimApplication
from handlers.http.routes.bulk import find_endpoint

handler = ScimApplication(find_endpoint)
