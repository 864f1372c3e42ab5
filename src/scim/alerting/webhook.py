"""Send alerts to a webhook: a POST with a JSON object, whose member ``text`` Slack and Microsoft Teams display."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from scim.aws.errors import AwsError
from scim.service.monitoring.ports import AlertNotSent

_SCHEME = "https://"
_TIMEOUT_S = 5.0
_MAX_ATTEMPTS = 2
_PAUSE_S = 1.0


class _RedirectRefusal(HTTPRedirectHandler):
    """Follow no redirect: the message must not go to another server."""

    def redirect_request(self, *_: Any) -> None:
        """Return no request, so that the redirect is an error."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """The channel of a webhook. ``read_url`` returns its URL, which is secret: in Slack and Teams it contains a token.

    ``sleep`` waits for a number of seconds. ``opener`` sends the requests.
    """

    read_url: Callable[[], str]
    sleep: Callable[[float], None]
    opener: OpenerDirector

    @property
    def name(self) -> str:
        """The name in health records, without the URL."""
        return "webhook"

    def send(self, _: str, text: str, members: Mapping[str, object]) -> None:
        """Send a message in at most two attempts. Raise :class:`AlertNotSent` if no attempt gets a 2xx status."""
        body = json.dumps({"text": text, **members}).encode()
        try:
            url = self.read_url()
        except AwsError as error:
            raise AlertNotSent(f"The URL of the webhook cannot be read: {error.code}") from error
        if not url.startswith(_SCHEME):
            raise AlertNotSent(f"The URL of the webhook does not begin with {_SCHEME}.")
        for attempt in range(_MAX_ATTEMPTS):
            if attempt:
                self.sleep(_PAUSE_S)
            if not (reason := self._post(url, body)):
                return
        raise AlertNotSent(f"The webhook has not accepted the message: {reason}.")

    def _post(self, url: str, body: bytes) -> str:
        """Send a request. Return why it failed, empty for success. The reason does not contain the URL."""
        request = Request(url, body, {"Content-Type": "application/json"})  # noqa: S310  # an https URL
        try:
            with self.opener.open(request, timeout=_TIMEOUT_S) as response:
                return (
                    ""
                    if HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES
                    else f"status {response.status}"
                )
        except HTTPError as error:
            return f"status {error.code}"
        except (URLError, HTTPException, OSError, ValueError) as error:
            return type(error).__name__


def build_webhook(read_url: Callable[[], str], sleep: Callable[[float], None]) -> Webhook:
    """Return the channel of a webhook. ``read_url`` returns its URL."""
    return Webhook(read_url, sleep, build_opener(_RedirectRefusal))
