"""SCIM 2.0 (RFC 7643, RFC 7644, RFC 9865) as pure functions: no AWS calls, no clock, no environment variables."""
