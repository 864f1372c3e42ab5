"""The limits of the service, which ServiceProviderConfig announces."""

MAX_RESULTS = 200
"""The most resources on a page."""

CURSOR_TIMEOUT_S = 3_600
"""For how long a cursor is valid."""

MAX_OPERATIONS = 1_000
"""The most operations in a bulk request."""

MAX_PAYLOAD_BYTES = 1_048_576
"""The largest request body. Lambda takes events of 6 MB, of which base64 and the other members take a part."""
