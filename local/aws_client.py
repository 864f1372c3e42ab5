"""boto3 clients of the local services, which accept any credentials."""

from typing import Any

import boto3
from botocore.config import Config

from local.constants import REGION


def create_client(service: str, url: str, config: Config | None = None) -> Any:
    """Return a client of the service (its boto3 name) at ``url``."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - not a secret
        config=config,
    )
