"""Create clients of AWS services with the operator's credentials.

Importing botocore and creating a client take longer than most commands. So a client is created when it is first used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

from scim.aws.config import ClientConfig

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.session import Session


class AwsSession:
    """Creates clients with the same credentials and in the same region.

    It uses botocore, because importing boto3 takes longer: it also imports the transfer manager of S3. ``timeout_s``
    limits each call to one attempt of that many seconds, ``None`` for the limits of botocore.
    """

    def __init__(
        self, *, profile_name: str | None = None, region_name: str | None = None, timeout_s: float | None = None
    ) -> None:
        self._profile = profile_name
        # botocore reads only AWS_DEFAULT_REGION. The AWS CLI and the other SDKs read AWS_REGION first.
        self._region = region_name or os.environ.get("AWS_REGION")
        self._timeout_s = timeout_s
        self._credentials: tuple[str, str] | None = None
        self._session: Session | None = None
        self._lock = Lock()

    def set_credentials(self, access_key_id: str, secret_access_key: str) -> None:
        """Use these credentials instead of those of the environment."""
        self._credentials = access_key_id, secret_access_key

    def client(self, service: str, *, endpoint_url: str | None = None, config: Config | None = None) -> Any:
        """Return a client of ``service``. ``endpoint_url`` replaces the URL of AWS."""
        with self._lock:  # a session of botocore is not thread-safe
            self._session = self._session or self._create_session()
            return self._session.create_client(service, endpoint_url=endpoint_url, config=config)

    def _create_session(self) -> Session:
        from botocore.config import Config
        from botocore.session import Session

        session = Session(profile=self._profile)
        if self._timeout_s is not None:
            session.set_default_client_config(
                Config(connect_timeout=self._timeout_s, read_timeout=self._timeout_s, retries={"total_max_attempts": 1})
            )
        if self._region:
            session.set_config_variable("region", self._region)
        if self._credentials is not None:
            session.set_credentials(*self._credentials)
        return session


class LazyClient:
    """A client that is created when it is first used. Threads can share it."""

    def __init__(self, create: Callable[[], Any]) -> None:
        self._create = create
        self._client: Any = None
        self._lock = Lock()

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the client, such as the method ``get_item``."""
        with self._lock:
            if self._client is None:
                self._client = self._create()
        return getattr(self._client, name)


def create_client(session: Any, service: str, endpoint_url: str | None = None, config: Config | None = None) -> Any:
    """Return a client of ``service`` that raises the errors of :mod:`scim.aws.errors`.

    ``session`` is an :class:`AwsSession`, or a session of boto3. ``endpoint_url`` replaces the URL of AWS.
    """
    from scim.aws.botocore_client import BotocoreClient

    return BotocoreClient(session.client(service, endpoint_url=endpoint_url, config=config))


def build_client_factory(
    session: Any, endpoints: Mapping[str, str] | None = None
) -> Callable[[str, ClientConfig], LazyClient]:
    """Return a function that returns a client of a service that is created when it is first used.

    ``endpoints`` maps names of services to URLs that replace those of AWS.
    """

    def create(service: str, config: ClientConfig) -> Any:
        from scim.aws.botocore_client import build_botocore_config

        return create_client(session, service, (endpoints or {}).get(service), build_botocore_config(config))

    return lambda service, config: LazyClient(lambda: create(service, config))
