"""Replay requests of identity providers against a deployment: ``python -m tests.idp URL TOKEN [PROVIDER]``.

Use a tenant for tests. Each scenario creates users and deletes them again. One expects fewer than a hundred users.
Peakon's scenarios need the custom schema ``examples/extensions/employee.json`` (``muster schema add``).
"""

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import httpx

from tests.replay import Deviation, Send, load, replay

_USAGE = "usage: make replay URL=https://.../scim/v2 TOKEN=... [PROVIDER=entra]"


def main(url: str, token: str, provider: str = "") -> int:
    """Print the deviations and a table; return 1 if there are deviations, 2 if the arguments are wrong."""
    scenarios = [load(path) for path in sorted(Path(__file__).parent.glob(f"{provider or '*'}/*.json"))]
    if not (url.startswith("http") and token and scenarios):
        print(_USAGE, file=sys.stderr)
        return 2
    passed, failed, exchanges = Counter[str](), Counter[str](), Counter[str]()
    with httpx.Client(timeout=60) as client:
        send = create_sender(client, url.rstrip("/"), token)
        for scenario in scenarios:
            exchanges[scenario.provider] += len(scenario.exchanges)
            try:
                replay(scenario, send)
            except (Deviation, httpx.HTTPError) as deviation:
                failed[scenario.provider] += 1
                print(f"{str(deviation) or type(deviation).__name__}\n")
            else:
                passed[scenario.provider] += 1
    print(format_table(passed, failed, exchanges))
    return int(failed.total() > 0)


def create_sender(client: httpx.Client, url: str, token: str) -> Send:
    """Return a function that sends to the deployment, with its token unless the request has its own header."""

    def send(
        method: str, path: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        defaults = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
        names = {name.lower() for name in headers}
        merged = {name: value for name, value in defaults.items() if name.lower() not in names} | headers
        non_empty = {name: value for name, value in merged.items() if value}
        response = client.request(method, url + path, headers=non_empty, content=body)
        return response.status_code, dict(response.headers), response.content

    return send


def format_table(passed: Counter[str], failed: Counter[str], exchanges: Counter[str]) -> str:
    """Return a line for each provider and one for the totals."""
    lines = [f"{'provider':<12}{'exchanges':>10}{'scenarios':>10}{'passed':>8}{'':>7}"]
    for name, number in [*sorted(exchanges.items()), ("all", exchanges.total())]:
        successes = passed.total() if name == "all" else passed[name]
        failures = failed.total() if name == "all" else failed[name]
        lines.append(
            f"{name:<12}{number:>10}{successes + failures:>10}{successes:>8}{successes / (successes + failures):>7.0%}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:4] + [""] * 3)[:3]))
