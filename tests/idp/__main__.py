"""Replays what identity providers send against a deployment: ``python -m tests.idp URL TOKEN [PROVIDER]``.

The tenant should be one for tests: each scenario creates users and deletes them again, and one expects fewer than a
hundred users to be there. Peakon's expects the extension of ``examples/extensions``, which
``muster schema add TENANT examples/extensions/employee.json`` adds.
"""

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import httpx

from tests.replay import Deviation, Send, load, replay

_USAGE = "usage: make replay URL=https://.../scim/v2 TOKEN=... [PROVIDER=entra]"


def main(url: str, token: str, provider: str = "") -> int:
    """Prints each deviation and then a table; returns 1 if there was one, 2 where nothing could be replayed."""
    scenarios = [load(path) for path in sorted(Path(__file__).parent.glob(f"{provider or '*'}/*.json"))]
    if not (url.startswith("http") and token and scenarios):
        print(_USAGE, file=sys.stderr)
        return 2
    passed, failed, exchanges = Counter[str](), Counter[str](), Counter[str]()
    with httpx.Client(timeout=60) as client:
        send = sender(client, url.rstrip("/"), token)
        for scenario in scenarios:
            exchanges[scenario.provider] += len(scenario.exchanges)
            try:
                replay(scenario, send)
            except (Deviation, httpx.HTTPError) as deviation:
                failed[scenario.provider] += 1
                print(f"{str(deviation) or type(deviation).__name__}\n")
            else:
                passed[scenario.provider] += 1
    print(table(passed, failed, exchanges))
    return int(failed.total() > 0)


def sender(client: httpx.Client, url: str, token: str) -> Send:
    """Sends to the deployment with its token, unless a scenario brings its own header."""

    def send(
        method: str, path: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        own = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
        named = {name.lower() for name in headers}
        sent = {name: value for name, value in own.items() if name.lower() not in named} | headers
        present = {name: value for name, value in sent.items() if value}
        answer = client.request(method, url + path, headers=present, content=body)
        return answer.status_code, dict(answer.headers), answer.content

    return send


def table(passed: Counter[str], failed: Counter[str], exchanges: Counter[str]) -> str:
    """A line a provider, and the sum."""
    lines = [f"{'provider':<12}{'exchanges':>10}{'scenarios':>10}{'passed':>8}{'':>7}"]
    for name, number in [*sorted(exchanges.items()), ("all", exchanges.total())]:
        good = passed.total() if name == "all" else passed[name]
        bad = failed.total() if name == "all" else failed[name]
        lines.append(f"{name:<12}{number:>10}{good + bad:>10}{good:>8}{good / (good + bad):>7.0%}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:4] + [""] * 3)[:3]))
