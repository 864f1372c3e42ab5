"""What the service takes and gives at most; ServiceProviderConfig announces it."""

MAX_RESULTS = 200
"""Resources on a page."""

CURSOR_TIMEOUT_S = 3_600
"""For how long a cursor can be used."""

MAX_OPERATIONS = 1_000
"""Operations in a bulk request."""

MAX_PAYLOAD_BYTES = 1_048_576
"""The body of any request: Lambda takes 6 MB, of which base64 and the envelope of the event take their part."""
