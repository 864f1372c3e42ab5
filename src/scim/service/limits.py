"""The limits of the service, which ServiceProviderConfig announces."""

MAX_RESULTS = 200
"""The maximum number of resources on a page."""

CURSOR_TIMEOUT_S = 3_600
"""The time for which a cursor is valid."""

MAX_OPERATIONS = 1_000
"""The maximum number of operations in a bulk request."""

MAX_PAYLOAD_BYTES = 1_048_576
"""The maximum size of a request body. Lambda accepts events of 6 MB, including base64 encoding and other members."""
