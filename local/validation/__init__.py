"""Validate requests according to the documentation of AWS's services.

The local services use this package, and so do the botocore clients of the functions and of the tests.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """A rule that a request violates, with AWS's error code and a message."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
