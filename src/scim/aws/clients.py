"""Create clients of AWS services that can be part of a SnapStart snapshot: without credentials or open connections."""

from __future__ import annotations

import os
from typing import Any

from scim.aws.config import ClientConfig, ClientKind


def create_client(service: str, config: ClientConfig, kind: ClientKind = ClientKind.BOTOCORE) -> Any:
    """Return a client of ``service``, with the region and the credentials of the environment.

    It has botocore's methods, such as ``get_item``. If a call fails, they raise :class:`scim.aws.errors.AwsError`. If
    the wire client does not support what the environment asks for, botocore's client is returned.
    """
    if kind is ClientKind.WIRE:
        from scim.aws.wire.endpoints import Service
        from scim.aws.wire.factory import can_serve, create_wire_client

        if can_serve(config, os.environ):
            return create_wire_client(Service(service), config)
    from scim.aws.botocore_client import create_botocore_client  # imported here, because that takes long

    return create_botocore_client(service, config)
