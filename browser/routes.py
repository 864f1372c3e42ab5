"""The routes of the console, read from the code that runs, so that the tests know every page."""

import json
import subprocess
from dataclasses import dataclass

from browser.local_run import LocalRun

_PRINT_ROUTES = """
import json
from handlers.console.routes import ROUTES
pages = (route for route in ROUTES if route.show_page and not route.is_static)
print(json.dumps([[route.name, route.path, route.is_public] for route in pages]))
"""


@dataclass(frozen=True)
class PageRoute:
    """A route that has a page. ``path`` is after ``/admin``, with placeholders in braces."""

    name: str
    path: str
    is_public: bool

    @property
    def has_tenant(self) -> bool:
        return "{tenant}" in self.path


def read_page_routes(local_run: LocalRun) -> list[PageRoute]:
    """Return all routes that have a page."""
    command = [".venv/bin/python", "-c", _PRINT_ROUTES]
    environment = {"PYTHONPATH": "src"}
    output = subprocess.run(  # noqa: S603  # the code of the checkout
        command, cwd=local_run.checkout, env=environment, capture_output=True, text=True, check=True
    ).stdout
    return [PageRoute(*values) for values in json.loads(output)]
