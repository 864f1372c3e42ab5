"""newman sends the requests on users in Microsoft's Postman collections."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.judges.conftest import Report
from tests.judges.local_run import LocalRun, Tenant
from tests.judges.verdict import Check, Judge

_DIRECTORY = Path(__file__).parent
_NEWMAN = _DIRECTORY / "newman/node_modules/.bin/newman"
COLLECTIONS = ("users", "inbound")


def test_collections(tenant: Tenant, local_run: LocalRun, report: Report, tmp_path: Path) -> None:
    """Each collection needs a tenant without users."""
    tenants = {"users": tenant, "inbound": local_run.connect(tenant.mode)}
    checks = [check for name in COLLECTIONS for check in run_collection(name, tenants[name], tmp_path)]

    report(Judge.MICROSOFT_POSTMAN, checks)


def run_collection(name: str, tenant: Tenant, directory: Path) -> list[Check]:
    """Run a collection; return a check for each assertion."""
    collection = _DIRECTORY / f"microsoft/{name}.postman_collection.json"
    output = directory / f"{name}.json"
    variables = {
        "url": tenant.url,
        "host": tenant.url.removesuffix("/scim/v2"),
        "token": tenant.token,
        "mode": tenant.mode,
    }
    command = [str(_NEWMAN), "run", str(collection), "--reporters", "json", "--reporter-json-export", str(output)]
    for variable, value in variables.items():
        command += ["--env-var", f"{variable}={value}"]
    process = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603  # newman
    assert process.returncode in (0, 1), process.stderr  # 1: an assertion failed
    run = json.loads(output.read_text())["run"]
    executions = run["executions"]
    assert len(executions) == count_requests(json.loads(collection.read_text()))
    return [check for execution in executions for check in read_checks(name, execution)]


def read_checks(collection: str, execution: dict[str, Any]) -> Iterator[Check]:
    """Yield the checks of a request. A request or script that failed is a check, too."""
    name = f"{collection}: {execution['item']['name']}"
    for error in [execution.get("requestError"), *(script.get("error") for script in execution.get("testScript", []))]:
        if error:
            yield Check(f"{name}: runs", error["message"])
    for assertion in execution.get("assertions", []):
        error = assertion.get("error")
        yield Check(f"{name}: {assertion['assertion']}", error["message"] if error else "")


def count_requests(item: dict[str, Any]) -> int:
    """Return the number of requests in a collection or folder."""
    return sum(count_requests(child) for child in item["item"]) if "item" in item else 1
