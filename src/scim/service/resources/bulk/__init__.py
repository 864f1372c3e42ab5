"""Bulk requests: many operations in one request (RFC 7644 section 3.7)."""
