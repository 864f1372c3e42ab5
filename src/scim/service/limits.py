"""The limits that ServiceProviderConfig announces to clients."""

MAX_RESULTS = 200
"""The maximum number of resources on a page."""

CURSOR_TIMEOUT_S = 3_600
"""The number of seconds for which a cursor is valid."""

MAX_OPERATIONS = 1_000
"""The maximum number of operations in a bulk request."""

MAX_PAYLOAD_BYTES = 1_048_576
"""The maximum size of a request body in bytes. Lambda's limit is 6 MB for the whole event, with the body in base64."""
