"""Authenticate requests: bearer tokens, the master key, cursor signatures, and operators' console sign-in."""
