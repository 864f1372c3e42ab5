"""Find the credentials that sign requests.

Lambda passes credentials in environment variables. With SnapStart, it serves them over HTTP instead, since variables
would be part of the snapshot (Lambda developer guide, "Activating and managing Lambda SnapStart"). For all other
sources, such as profiles, botocore finds the credentials. The order of the sources is that of botocore.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from scim.aws.wire.connections import ConnectionPool, NoHttpResponse
from scim.aws.wire.endpoints import parse_url
from scim.aws.wire.signing import Credentials

if TYPE_CHECKING:
    from botocore.credentials import Credentials as BotocoreCredentials

REFRESH_S = 900.0
"""Credentials are loaded again when they expire in less than this time. If that fails, the old ones stay in use."""
MUST_REFRESH_S = 600.0
"""Credentials that expire in less than this time are not used."""

_CONTAINER_HOST = "169.254.170.2"
_PLAIN_HTTP_HOSTS = frozenset({_CONTAINER_HOST, "169.254.170.23", "fd00:ec2::23", "localhost"})
_TIMEOUT_S = 2.0
_ATTEMPTS = 3
_PAUSE_S = 1.0
# Sources that botocore asks before the container's endpoint.
_EARLIER_VARIABLES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")
_EARLIER_FILES = {
    "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials",
    "AWS_CONFIG_FILE": "~/.aws/config",
    "BOTO_CONFIG": "~/.boto",
}


class NoCredentials(Exception):
    """There are no usable credentials. ``code`` is the name of botocore's exception in the same case."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class CredentialSource(Protocol):
    """A source of credentials."""

    def get(self) -> Credentials:
        """Return valid credentials. Raise :class:`NoCredentials`."""


class StaticCredentials:
    """Credentials in environment variables. They are read at the first call."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._credentials: Credentials | None = None

    def get(self) -> Credentials:
        """Return the credentials. Raise :class:`NoCredentials` if the secret key is missing."""
        if self._credentials is None:
            secret_key = self._environment.get("AWS_SECRET_ACCESS_KEY")
            if not secret_key:
                raise NoCredentials("PartialCredentialsError", "AWS_SECRET_ACCESS_KEY is missing")
            token = self._environment.get("AWS_SECURITY_TOKEN") or self._environment.get("AWS_SESSION_TOKEN")
            self._credentials = Credentials(self._environment["AWS_ACCESS_KEY_ID"], secret_key, token or None)
        return self._credentials


class ContainerCredentials:
    """Credentials from the HTTP endpoint of the container. They are loaded at the first call, and before they expire.

    ``now`` returns the seconds since 1970, and ``sleep`` waits for a number of seconds.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._environment = environment
        self._now = now
        self._sleep = sleep
        self._lock = Lock()
        self._loaded: tuple[Credentials, float] | None = None
        """The credentials and the time at which they expire. Replaced as a whole, since threads share it."""

    def get(self) -> Credentials:
        """Return the credentials. Raise :class:`NoCredentials` if they cannot be loaded."""
        if credentials := self._get_lasting(REFRESH_S):
            return credentials
        # While one thread loads new credentials, the others use the old ones as long as these may be used.
        if self._lock.acquire(blocking=self._get_lasting(MUST_REFRESH_S) is None):
            try:
                return self._get_lasting(REFRESH_S) or self._refresh()
            finally:
                self._lock.release()
        return self._get_lasting(MUST_REFRESH_S) or self.get()

    def _get_lasting(self, seconds: float) -> Credentials | None:
        """Return the credentials if they are loaded and valid for this number of seconds."""
        if self._loaded is None:
            return None
        credentials, expires = self._loaded
        return credentials if expires - self._now() >= seconds else None

    def _refresh(self) -> Credentials:
        try:
            self._loaded = self._load()
        except NoCredentials:
            if credentials := self._get_lasting(MUST_REFRESH_S):
                return credentials
            raise
        credentials, expires = self._loaded
        if expires <= self._now():
            raise NoCredentials("CredentialRetrievalError", "the endpoint has returned credentials that have expired")
        return credentials

    def _load(self) -> tuple[Credentials, float]:
        url = _build_url(self._environment)
        request = _build_request(url, self._environment)
        attempt = 1
        while True:
            try:
                return self._fetch(url, request)
            except NoCredentials:
                if attempt == _ATTEMPTS:
                    raise
            self._sleep(_PAUSE_S)
            attempt += 1

    def _fetch(self, url: str, request: bytes) -> tuple[Credentials, float]:
        """Return the credentials that the endpoint returns, and the time at which they expire."""
        pool = ConnectionPool(parse_url(url), _TIMEOUT_S, _TIMEOUT_S, self._environment.get("AWS_CA_BUNDLE", ""))
        try:
            response = pool.send(request)
        except NoHttpResponse as error:
            raise NoCredentials("CredentialRetrievalError", f"no response of {url}: {error}") from error
        finally:
            pool.close()
        if response.status != 200:
            raise NoCredentials("CredentialRetrievalError", f"{url} responded with the status {response.status}")
        try:
            document: Any = json.loads(response.body)
            expires = datetime.fromisoformat(document["Expiration"]).timestamp()
            return Credentials(document["AccessKeyId"], document["SecretAccessKey"], document["Token"]), expires
        except (ValueError, TypeError, KeyError) as error:  # the text of the error may contain a credential
            message = f"the response of {url} cannot be parsed: {type(error).__name__}"
            raise NoCredentials("CredentialRetrievalError", message) from None


class SdkCredentials:
    """Credentials that botocore finds, for example those of a profile. botocore is imported at the first call."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._credentials: BotocoreCredentials | None = None

    def get(self) -> Credentials:
        """Return the credentials. Raise :class:`NoCredentials` if botocore finds none."""
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session

        try:
            with self._lock:
                if self._credentials is None:
                    self._credentials = Session().get_credentials()
            if self._credentials is None:
                raise NoCredentials("NoCredentialsError", "Unable to locate credentials")
            frozen = self._credentials.get_frozen_credentials()
        except BotoCoreError as error:
            raise NoCredentials(type(error).__name__, str(error)) from error
        return Credentials(frozen.access_key or "", frozen.secret_key or "", frozen.token)


def find_source(environment: Mapping[str, str]) -> CredentialSource:
    """Return the source of credentials. Nothing is loaded yet."""
    has_profile = any(environment.get(name) for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"))
    if environment.get("AWS_ACCESS_KEY_ID"):
        # Variables with credentials that expire are replaced by the program that has set them.
        is_static = not has_profile and not environment.get("AWS_CREDENTIAL_EXPIRATION")
        return StaticCredentials(environment) if is_static else SdkCredentials()
    has_endpoint = any(f"AWS_CONTAINER_CREDENTIALS_{kind}_URI" in environment for kind in ("RELATIVE", "FULL"))
    if has_endpoint and not _has_earlier_source(environment):
        return ContainerCredentials(environment)
    return SdkCredentials()


def _has_earlier_source(environment: Mapping[str, str]) -> bool:
    """Return whether there may be a source that botocore asks before the endpoint of the container."""
    return any(environment.get(name) for name in _EARLIER_VARIABLES) or any(
        Path(environment.get(name) or default).expanduser().is_file() for name, default in _EARLIER_FILES.items()
    )


def _build_url(environment: Mapping[str, str]) -> str:
    """Return the URL of the container's endpoint. Raise :class:`NoCredentials` if it must not receive the token."""
    if relative := environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        return f"http://{_CONTAINER_HOST}{relative}"
    url = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and host not in _PLAIN_HTTP_HOSTS and not _is_loopback(host):
        raise NoCredentials("ValueError", f"AWS_CONTAINER_CREDENTIALS_FULL_URI: {host} needs https")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _build_request(url: str, environment: Mapping[str, str]) -> bytes:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"GET {target} HTTP/1.1", f"Host: {parse_url(url).authority}", "Accept: application/json"]
    if token := _read_token(environment):
        lines.append(f"Authorization: {token}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode()


def _read_token(environment: Mapping[str, str]) -> str | None:
    """Return the value of the header ``Authorization``. Raise :class:`NoCredentials` for one with a line break."""
    token = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    if file := environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
        token = Path(file).read_text("utf-8")
    if token is not None and ("\r" in token or "\n" in token):
        raise NoCredentials("ValueError", "the authorization token of the container contains a line break")
    return token
