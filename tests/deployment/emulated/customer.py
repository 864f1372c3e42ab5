"""A customer of a deployed stack, and its identity provider."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from tests.deployment.emulated.stack import DeployedStack
from tests.endpoint import CORE

T = TypeVar("T")
_WAIT_S = 180.0


@dataclass(frozen=True)
class Customer:
    """A connected customer. ``client`` sends requests as its identity provider does."""

    stack: DeployedStack
    name: str
    token: str
    client: httpx.Client

    def send(self, method: str, path: str, body: Any = None, token: str = "", **parameters: str) -> httpx.Response:
        """Send a request to a path below the SCIM URL, by default with the token of the customer."""
        headers = {"Authorization": f"Bearer {token or self.token}", "Content-Type": "application/scim+json"}
        url = self.stack.url + path
        return self.client.request(method, url, json=body, headers=headers, params=parameters or None)

    def create_user(self, name: str, **attributes: Any) -> Any:
        """Create a user, and return the response."""
        response = self.send("POST", "/Users", {"schemas": [CORE], "userName": name, **attributes})
        assert response.status_code == 201, response.text
        return response.json()

    def find_user(self, name: str) -> Any:
        """Return the user with this ``userName``."""
        response = self.send("GET", "/Users", filter=f'userName eq "{name}"')
        assert response.status_code == 200, response.text
        (user,) = response.json()["Resources"]
        return user


@contextmanager
def connect_customer(stack: DeployedStack, name: str, *options: str) -> Iterator[Customer]:
    """Connect a customer with the command line. At the end of the block, ``muster check`` must find nothing."""
    token = stack.muster("connect", name, *options)["token"]
    with use_customer(stack, name, token) as customer:
        yield customer
    stack.check(name)


@contextmanager
def use_customer(stack: DeployedStack, name: str, token: str) -> Iterator[Customer]:
    """Use a customer that is connected already."""
    with stack.account.open_http_client() as client:
        yield Customer(stack, name, token, client)


def wait_for(find: Callable[[], T | None]) -> T:
    """Call a function until its result is true, and return it. Fail after three minutes."""
    deadline = time.monotonic() + _WAIT_S
    while not (result := find()):
        assert time.monotonic() < deadline, f"nothing arrived within {_WAIT_S:.0f} s"
        time.sleep(0.1)
    return result
