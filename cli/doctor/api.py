"""Check that the API answers at the SCIM URL, and only with a token."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from socket import gaierror
from urllib.parse import urlsplit

from cli.doctor.findings import Finding, Level
from cli.doctor.target import Target

_TIMEOUT_S = 15.0
_CONFIGURATION = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
_DOMAIN = "docs/operate/domain.md describes the DNS record and the certificate."


def check_api(target: Target) -> Iterator[Finding]:
    """Request ``/ServiceProviderConfig``, which needs no token, and ``/Users`` without a token."""
    started = time.monotonic()
    try:
        status, body = _get(f"{target.scim_url}/ServiceProviderConfig")
        elapsed_ms = (time.monotonic() - started) * 1_000
        users_status, _ = _get(f"{target.scim_url}/Users?count=0")
    except gaierror:
        host = urlsplit(target.scim_url).hostname
        yield Finding("API", Level.FAULT, f"The host {host} has no address in DNS.", _DOMAIN)
    except ssl.SSLError as error:
        yield Finding("API", Level.FAULT, f"{target.scim_url}: {error.reason or error}", _DOMAIN)
    except (OSError, HTTPException) as error:
        next_step = "Restart it: make run" if target.is_local else "Check your network, and the host of the SCIM URL."
        yield Finding("API", Level.FAULT, f"{target.scim_url} does not answer ({error}).", next_step)
    else:
        yield _judge_configuration(target, status, body, elapsed_ms)
        if users_status != 401:
            detail = f"GET /Users without a token answers {users_status}, not 401."
            yield Finding("API", Level.FAULT, detail, "Check what is in front of the API (docs/operate/domain.md).")


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


def _get(url: str) -> tuple[int, bytes]:
    """Send a GET request without a token. Return the status and the body."""
    parts = urlsplit(url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    try:
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request("GET", path, headers={"Accept": "application/scim+json", "User-Agent": "muster-doctor"})
        response = connection.getresponse()
        return response.status, response.read(1_000_000)
    finally:
        connection.close()
