"""Apply PATCH requests to resources (RFC 7644 section 3.5.2)."""
