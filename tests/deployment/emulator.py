"""Run ministack with all services: ``python emulator.py``.

Its CreateSecret ignores ``ClientRequestToken``, which is the version of the secret on AWS. This module corrects that.
"""

from typing import Any

from ministack.app import main  # type: ignore[import-not-found]  # not in the environment that checks types
from ministack.services import secretsmanager  # type: ignore[import-not-found]

_members = vars(secretsmanager)
_create_secret = _members["_create_secret"]


def _create_secret_with_token(data: dict[str, Any]) -> Any:
    """Create a secret whose version has the ``ClientRequestToken`` as its id."""
    secrets = _members["_secrets"]
    is_new = data.get("Name") not in secrets
    response = _create_secret(data)
    if is_new and "ClientRequestToken" in data:
        versions = secrets[data["Name"]]["Versions"]
        _, version = versions.popitem()
        versions[data["ClientRequestToken"]] = version
    return response


if __name__ == "__main__":
    _members["_create_secret"] = _create_secret_with_token
    main()
