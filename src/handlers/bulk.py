"""Lambda entry point for bulk requests, which have a function of their own for their memory and concurrency."""

from handlers.http.application import ScimApplication
from handlers.http.routes.bulk import find

handler = ScimApplication(find)
