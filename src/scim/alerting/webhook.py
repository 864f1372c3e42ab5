"""Send alerts to a webhook: a POST with a JSON object, whose member ``text`` Slack and Microsoft Teams display."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from socket import SHUT_RDWR
from threading import Thread
from urllib.parse import SplitResult, urlsplit

from scim.aws.errors import AwsError
from scim.service.monitoring.ports import AlertNotSent

_SCHEME = "https://"
_TIMEOUT_S = 5.0
"""The time of an attempt in total, from the lookup of the name to the end of the response's headers."""
_MAX_ATTEMPTS = 2
_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Webhook:
    """The channel of a webhook. ``read_url`` returns its URL, which is secret: in Slack and Teams it contains a token.

    ``sleep`` waits for a number of seconds. Redirects are not followed: the message must not go to another server.
    """

    read_url: Callable[[], str]
    sleep: Callable[[float], None]

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
        """Send a request. Return why it failed, empty for success. The reason does not contain the URL.

        The timeout of a socket applies to each read, so a server that sends a byte a second would hold the run. So a
        thread sends the request, and its connection is closed when the time is over.
        """
        try:
            parts = urlsplit(url)
            connection = HTTPSConnection(parts.netloc, timeout=_TIMEOUT_S)
        except (HTTPException, ValueError) as error:
            return type(error).__name__
        result: Future[str] = Future()
        Thread(target=_complete, args=(result, connection, parts, body), daemon=True).start()
        try:
            return result.result(_TIMEOUT_S)
        except TimeoutError:
            _close(connection)
            return f"no response within {_TIMEOUT_S:g} s"


def _complete(result: Future[str], connection: HTTPConnection, url: SplitResult, body: bytes) -> None:
    """Send a request, and complete ``result`` with why it failed, empty for success."""
    try:
        path = f"/{url._replace(scheme='', netloc='', fragment='').geturl().removeprefix('/')}"
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        status = connection.getresponse().status
        is_success = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
        result.set_result("" if is_success else f"status {status}")
    except (HTTPException, OSError, ValueError) as error:
        result.set_result(type(error).__name__)
    except BaseException as error:  # noqa: BLE001  # the thread that waits raises it
        result.set_exception(error)
    finally:
        connection.close()


def _close(connection: HTTPConnection) -> None:
    """End the reads of a connection in another thread."""
    with suppress(OSError):  # the other thread may just have closed it
        if connection.sock is not None:
            connection.sock.shutdown(SHUT_RDWR)


def build_webhook(read_url: Callable[[], str], sleep: Callable[[float], None]) -> Webhook:
    """Return the channel of a webhook. ``read_url`` returns its URL."""
    return Webhook(read_url, sleep)
