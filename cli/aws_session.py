"""Create clients of AWS services with the operator's credentials.

It uses botocore, because importing boto3 takes longer: it also imports the transfer manager of S3.
"""

from typing import Any

from botocore.config import Config
from botocore.session import Session


class AwsSession:
    """Creates clients with the same credentials and in the same region."""

    def __init__(self, *, profile_name: str | None = None, region_name: str | None = None) -> None:
        self._session = Session(profile=profile_name)
        if region_name:
            self._session.set_config_variable("region", region_name)

    def set_credentials(self, access_key_id: str, secret_access_key: str) -> None:
        """Use these credentials instead of those of the environment."""
        self._session.set_credentials(access_key_id, secret_access_key)

    def client(self, service: str, *, endpoint_url: str | None = None, config: Config | None = None) -> Any:
        """Return a client of ``service``. ``endpoint_url`` replaces the URL of AWS."""
        return self._session.create_client(service, endpoint_url=endpoint_url, config=config)
