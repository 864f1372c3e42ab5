"""Create clients of AWS services that can be part of a SnapStart snapshot: without credentials or open connections."""

from __future__ import annotations

from typing import Any

from scim.aws.config import ClientConfig, ClientKind


def create_client(service: str, config: ClientConfig, _: ClientKind = ClientKind.BOTOCORE) -> Any:
    """Return a client of ``service``, with the region and the credentials of the environment.

    It has botocore's methods, such as ``get_item``. If a call fails, they raise :class:`scim.aws.errors.AwsError`.
    """
    from scim.aws.botocore_client import create_botocore_client  # imported here, because that takes long

    return create_botocore_client(service, config)
