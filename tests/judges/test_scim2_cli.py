"""scim2-cli, the command line of python-scim, manages a user."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from click.testing import CliRunner
from scim2_cli import cli

from tests.judges.checks import Checks
from tests.judges.conftest import Report
from tests.judges.local_run import Tenant
from tests.judges.verdict import Judge

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


class CommandLine:
    """Runs commands with the token of a tenant."""

    def __init__(self, tenant: Tenant) -> None:
        headers = f"Authorization: Bearer {tenant.token}; Connection: close"  # a command leaves its connections open
        self._runner = CliRunner(env={"SCIM_CLI_URL": tenant.url, "SCIM_CLI_HEADERS": headers})

    def run(self, *arguments: str, body: Any = None) -> Any:
        """Run a command; return its output as JSON, or ``None``. A command that fails raises ``AssertionError``."""
        result = self._runner.invoke(cli, arguments, input="" if body is None else json.dumps(body))
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout) if result.stdout.strip() else None


def test_commands(tenant: Tenant, report: Report) -> None:
    scim, checks = CommandLine(tenant), Checks()
    user = scim.run(
        *("create", "user", "--user-name", "bjensen", "--display-name", "Barbara", "--enterpriseuser"),
        json.dumps({"department": "Tours"}),
    )
    with checks.check("query"):
        assert scim.run("query", "user", user["id"]) == user
        assert scim.run("query", "user", "--filter", 'userName eq "BJENSEN"')["Resources"] == [user]
    with checks.check("search"):
        assert scim.run("search", "--filter", f'{ENTERPRISE}:department eq "Tours"')["Resources"] == [user]
    check_changes(scim, checks, user["id"])
    with checks.check("bulk"):
        assert run_bulk(scim, user["id"]) == ["201", "204"]
        assert [other["userName"] for other in scim.run("query", "user")["Resources"]] == ["jsmith"]
    with checks.check("query of a deleted user"), expect_error("404"):
        scim.run("query", "user", user["id"])

    report(Judge.SCIM2_CLI, checks.list())


def check_changes(scim: CommandLine, checks: Checks, user_id: str) -> None:
    with checks.check("modify"):
        operations = ["replace", "title", "Chef", "add", "emails", '[{"value": "b@example.com", "type": "work"}]']
        modified = scim.run("modify", "user", user_id, *operations, "remove", f"{ENTERPRISE}:department")
        assert (modified["title"], modified["emails"][0]["type"], ENTERPRISE in modified) == ("Chef", "work", False)
    with checks.check("modify by a value filter"):
        modified = scim.run("modify", "user", user_id, "replace", 'emails[type eq "work"].value', "c@example.com")
        assert modified["emails"] == [{"value": "c@example.com", "type": "work"}]
    with checks.check("modify without a path"):
        assert scim.run("modify", "user", user_id, "replace", "", '{"title": "Cook"}')["title"] == "Cook"
    with checks.check("replace"):
        replaced = scim.run("replace", "user", "--id", user_id, "--user-name", "bjensen", "--active", "false")
        assert (replaced["active"], "title" in replaced) == (False, False)


def run_bulk(scim: CommandLine, user_id: str) -> list[str]:
    """Create a user and delete another one. Return the status of each operation."""
    create = {"method": "POST", "path": "/Users", "bulkId": "1", "data": {"schemas": [CORE], "userName": "jsmith"}}
    delete = {"method": "DELETE", "path": f"/Users/{user_id}"}
    response = scim.run("bulk", body={"schemas": [BULK], "Operations": [create, delete]})
    return [operation["status"] for operation in response["Operations"]]


@contextmanager
def expect_error(status: str) -> Iterator[None]:
    """Check that the block raises the error of a command that the endpoint answered with a status."""
    try:
        yield
    except AssertionError as error:
        assert f"Error: {status} " in str(error), error  # noqa: PT017  # pytest.raises has no message for this
    else:
        raise AssertionError(f"The command succeeded, but {status} was expected.")
