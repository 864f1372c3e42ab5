"""Create clients of AWS services with the operator's credentials.

It uses botocore, because importing boto3 takes longer: it also imports the transfer manager of S3.
"""

import os
from typing import Any

from botocore.config import Config
from botocore.session import Session

from scim.aws.botocore_client import BotocoreClient


class AwsSession:
    """Creates clients with the same credentials and in the same region.

    ``timeout_s`` limits each call to one attempt of that many seconds, ``None`` for the limits of botocore.
    """

    def __init__(
        self, *, profile_name: str | None = None, region_name: str | None = None, timeout_s: float | None = None
    ) -> None:
        self._session = Session(profile=profile_name)
        if timeout_s is not None:
            self._session.set_default_client_config(
                Config(connect_timeout=timeout_s, read_timeout=timeout_s, retries={"total_max_attempts": 1})
            )
        # botocore reads only AWS_DEFAULT_REGION. The AWS CLI and the other SDKs read AWS_REGION first.
        if region := region_name or os.environ.get("AWS_REGION"):
            self._session.set_config_variable("region", region)

    def set_credentials(self, access_key_id: str, secret_access_key: str) -> None:
        """Use these credentials instead of those of the environment."""
        self._session.set_credentials(access_key_id, secret_access_key)

    def client(self, service: str, *, endpoint_url: str | None = None, config: Config | None = None) -> Any:
        """Return a client of ``service``. ``endpoint_url`` replaces the URL of AWS."""
        return self._session.create_client(service, endpoint_url=endpoint_url, config=config)


def create_client(session: Any, service: str, endpoint_url: str | None = None, config: Config | None = None) -> Any:
    """Return a client of ``service`` that raises the errors of :mod:`scim.aws.errors`.

    ``session`` is an :class:`AwsSession`, or a session of boto3. ``endpoint_url`` replaces the URL of AWS.
    """
    return BotocoreClient(session.client(service, endpoint_url=endpoint_url, config=config))
