"""Check that the API answers at the SCIM URL, and only with a token."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator
from http.client import HTTPException
from socket import gaierror
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from cli.doctor.findings import Finding, Level
from cli.doctor.target import Target

_TIMEOUT_S = 15.0
_MAX_BYTES = 1_000_000
_CONFIGURATION = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
_DOMAIN = "docs/operate/domain.md describes the DNS record and the certificate."


def check_api(target: Target) -> Iterator[Finding]:
    """Request ``/ServiceProviderConfig``, which needs no token, and ``/Users`` without a token."""
    started = time.monotonic()
    try:
        status, body = _get(f"{target.scim_url}/ServiceProviderConfig")
        elapsed_ms = (time.monotonic() - started) * 1_000
        users_status, _ = _get(f"{target.scim_url}/Users?count=0")
    except (OSError, HTTPException) as error:
        yield _explain_no_response(target, error.reason if isinstance(error, URLError) else error)
    else:
        yield _judge_configuration(target, status, body, elapsed_ms)
        if users_status != 401:
            detail = f"GET /Users without a token answers {users_status}, not 401."
            yield Finding("API", Level.FAULT, detail, "Check what is in front of the API (docs/operate/domain.md).")


def _explain_no_response(target: Target, reason: object) -> Finding:
    host = urlsplit(target.scim_url).hostname
    if isinstance(reason, gaierror):
        return Finding("API", Level.FAULT, f"The host {host} has no address in DNS.", _DOMAIN)
    if isinstance(reason, ssl.SSLError):
        return Finding("API", Level.FAULT, f"The certificate of {host} is not valid ({reason}).", _DOMAIN)
    next_step = "Restart it: make run" if target.is_local else "Check your network, your proxy, and the host."
    return Finding("API", Level.FAULT, f"{target.scim_url} does not answer ({reason}).", next_step)


def _judge_configuration(target: Target, status: int, body: bytes, elapsed_ms: float) -> Finding:
    if status == 200 and _is_configuration(body):
        return Finding("API", Level.OK, f"{target.scim_url} answers in {elapsed_ms:.0f} ms")
    detail = f"GET {target.scim_url}/ServiceProviderConfig answers {status}, and is not SCIM."
    if status == 200 or 300 <= status < 500:
        return Finding("API", Level.FAULT, detail, "Another service answers at the SCIM URL. " + _DOMAIN)
    detail = f"GET {target.scim_url}/ServiceProviderConfig answers {status}."
    return Finding("API", Level.FAULT, detail, "Look at the logs of DiscoveryFunction: docs/operate/logs.md")


def _is_configuration(body: bytes) -> bool:
    try:
        document = json.loads(body)
    except ValueError:
        return False
    return isinstance(document, dict) and _CONFIGURATION in document.get("schemas", [])


class _NoRedirects(HTTPRedirectHandler):
    """Returns the response that redirects, as the identity provider would get it."""

    def redirect_request(self, *_arguments: object) -> None:
        """Follow no redirect."""


def _get(url: str) -> tuple[int, bytes]:
    """Send a GET request without a token, through the proxy of the environment. Return the status and the body."""
    headers = {"Accept": "application/scim+json", "User-Agent": "muster-doctor"}
    request = Request(url, headers=headers)  # noqa: S310  # the SCIM URL of the deployment
    try:
        with build_opener(_NoRedirects).open(request, timeout=_TIMEOUT_S) as response:
            return response.status, response.read(_MAX_BYTES)
    except HTTPError as error:
        with error:
            return error.code, error.read(_MAX_BYTES)
