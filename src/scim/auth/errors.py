"""Faults of the secrets that an operator has to repair."""

from __future__ import annotations


class MalformedSecret(Exception):
    """A secret does not hold what the service wrote there.

    The message goes into the log line ``fault``. It names the secret and what to do, and never holds a part of the
    secret's value.
    """
