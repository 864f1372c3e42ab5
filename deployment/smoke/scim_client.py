"""Send requests to the deployed endpoint over HTTP, as an identity provider does.

The standard library verifies the certificate, requires TLS 1.2 or later, and uses the proxy of the environment.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPErrorProcessor, Request, build_opener

from deployment.smoke.check import CheckFailed

_TIMEOUT_S = 35.0  # API Gateway times out after 30 s
_SCIM_JSON = "application/scim+json"


@dataclass(frozen=True)
class ScimResponse:
    """A response. The names of ``headers`` are in lower case."""

    request: str
    """The method and the path of the request."""
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the JSON of the body. Raise :class:`CheckFailed` if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise CheckFailed(f"{self.request}: the body of the response is not JSON: {self.body[:80]!r}.") from None

    def require_status(self, *expected: int) -> "ScimResponse":
        """Return the response. Raise :class:`CheckFailed` if it has another status."""
        if self.status not in expected:
            wanted = " or ".join(map(str, expected))
            text = self.body.decode("utf-8", "replace")[:200]
            raise CheckFailed(f"{self.request}: the response is {self.status} instead of {wanted}: {text}.")
        return self

    @property
    def request_id(self) -> str:
        """The id that API Gateway gave the request. Raise :class:`CheckFailed` if the response has none."""
        if not (request_id := self.headers.get("apigw-requestid")):
            raise CheckFailed(f"{self.request}: the response has no header apigw-requestid, so no API Gateway sent it.")
        return request_id


@dataclass(frozen=True)
class ScimClient:
    """Sends requests to a SCIM URL with a token."""

    url: str
    token: str | None = field(default=None, repr=False)

    def with_token(self, token: str | None) -> "ScimClient":
        """Return a client for the same URL with another token."""
        return ScimClient(self.url, token)

    def send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> ScimResponse:
        """Send a request to a path below the SCIM URL. ``body`` is bytes, or a value that is sent as JSON."""
        return self.send_to(self.url + path, method, body, headers)

    def send_to(
        self, url: str, method: str = "GET", body: Any = None, headers: Mapping[str, str] | None = None
    ) -> ScimResponse:
        """Send a request to another URL of the deployment."""
        sent = {"Accept": _SCIM_JSON, "User-Agent": "muster-smoke-test", **(headers or {})}
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            sent.setdefault("Content-Type", _SCIM_JSON)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        opener = build_opener(_AnyStatus)
        with opener.open(Request(url, data, sent, method=method), timeout=_TIMEOUT_S) as response:  # noqa: S310  # ours
            content = response.read()
        received = {name.lower(): value for name, value in response.headers.items()}
        return ScimResponse(f"{method} {urlsplit(url).path}", response.status, received, content)


class _AnyStatus(HTTPErrorProcessor):
    """Returns responses with any status, and follows no redirects."""

    def http_response(self, request: Request, response: HTTPResponse) -> HTTPResponse:  # noqa: ARG002  # interface
        """Return the response unchanged."""
        return response

    https_response = http_response
