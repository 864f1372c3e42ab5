"""Validate requests according to the documentation of AWS's services.

The local services use this package, and so do the botocore clients of the functions and of the tests.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """A rule that a request violates: AWS's error code, a message, and the name of the rule, if it has one."""

    code: str
    message: str
    rule: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
