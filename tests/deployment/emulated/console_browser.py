"""A browser that uses the console of a deployed stack, without JavaScript."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from tests.deployment.emulated.stack import DeployedStack
from tests.handlers.console.visitor import Page, Visitor


class ConsoleBrowser(Visitor):
    """A visitor whose requests go to the deployed API."""

    def __init__(self, stack: DeployedStack, client: httpx.Client) -> None:
        self.cookies = {}
        self._origin = stack.outputs["ConsoleUrl"].removesuffix("/admin")
        self._client = client

    def send(
        self, method: str, url: str, fields: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Page:
        split = urlsplit(url)
        target = self._origin + split.path + (f"?{split.query}" if split.query else "")
        response = self._client.request(method, target, data=fields, headers=headers)  # the client keeps the cookies
        names = {name.lower(): value for name, value in response.headers.items() if name.lower() != "content-encoding"}
        return Page(url, response.status_code, names, (), response.content)
