"""What AWS's services refuse by their documentation, shared by the local services and the tests' clients."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """A rule that a request breaks: AWS's error code, and a message."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
