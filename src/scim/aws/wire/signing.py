"""Sign requests with Signature Version 4.

Source: AWS IAM user guide, "Create a signed AWS API request".
"""

from __future__ import annotations

from hashlib import sha256
from hmac import digest
from typing import NamedTuple
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"
_HASH = "sha256"


class Credentials(NamedTuple):
    """An access key, and the session token if the credentials are temporary."""

    access_key: str
    secret_key: str
    token: str | None = None


class Signer:
    """Signs POST requests to one path of one host. ``service`` and ``region`` are those of the credential scope."""

    def __init__(self, service: str, region: str, host: str, path: str = "/") -> None:
        self._service = service
        self._region = region
        self._host = host
        self._request_line = f"POST\n{_canonicalize_path(path)}\n\n"
        # The key is that of a secret key and a day. The tuple is replaced as a whole, so threads need no lock.
        self._cached_key: tuple[str, str, bytes] = ("", "", b"")

    def sign(self, credentials: Credentials, date: str, content_type: str, target: str, body: bytes) -> str:
        """Return the value of the ``Authorization`` header.

        Args:
            credentials: the credentials. If they have a token, the request needs the header ``X-Amz-Security-Token``.
            date: the time in the form ``YYYYMMDDThhmmssZ``, as in the header ``X-Amz-Date``.
            content_type: the header ``Content-Type``.
            target: the header ``X-Amz-Target``.
            body: the body of the request.
        """
        token_header, token_name = "", ""
        if credentials.token is not None:
            token_header, token_name = f"x-amz-security-token:{credentials.token}\n", "x-amz-security-token;"
        signed_headers = f"content-type;host;x-amz-date;{token_name}x-amz-target"
        request = (
            f"{self._request_line}content-type:{content_type}\nhost:{self._host}\nx-amz-date:{date}\n{token_header}"
            f"x-amz-target:{target}\n\n{signed_headers}\n{sha256(body).hexdigest()}"
        )
        day = date[:8]
        scope = f"{day}/{self._region}/{self._service}/aws4_request"
        text = f"{ALGORITHM}\n{date}\n{scope}\n{sha256(request.encode()).hexdigest()}"
        signature = digest(self._get_key(credentials.secret_key, day), text.encode(), _HASH).hex()
        return (
            f"{ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={signed_headers}, "
            f"Signature={signature}"
        )

    def _get_key(self, secret_key: str, day: str) -> bytes:
        cached_secret_key, cached_day, key = self._cached_key
        if cached_day != day or cached_secret_key != secret_key:
            key = f"AWS4{secret_key}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = digest(key, part.encode(), _HASH)
            self._cached_key = (secret_key, day, key)
        return key


def _canonicalize_path(path: str) -> str:
    """Return a path without ``.`` and ``..`` segments and empty segments, percent-encoded once more."""
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    end = "/" if segments and path.endswith("/") else ""
    return quote("/" + "/".join(segments) + end, safe="/~")
