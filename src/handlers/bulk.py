"""Lambda entry point of bulk requests, which have their own function for its memory and concurrency."""

from handlers.http.application import ScimApplication
from handlers.http.routes.bulk import find_endpoint

handler = ScimApplication(find_endpoint)
