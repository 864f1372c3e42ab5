"""The start of a function: its imports, and the content of its SnapStart snapshot."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.endpoint import ENVIRONMENT

SOURCE = Path(__file__).parents[2] / "src"

# Modules that none of these functions uses. Each takes about 20 ms or more to import.
UNUSED = {"boto3", "s3transfer", "aws_lambda_powertools.event_handler", "aws_xray_sdk", "scim.events.stream_record"}
CONNECTING = {"scim.service.tenants.tenant_service", "scim.service.tenants.custom_schemas"}
BULK = {
    "handlers.http.routes.bulk",
    "scim.service.resources.bulk.executor",
    "scim.service.resources.bulk.processor",
    "scim.service.resources.bulk.task_runner",
}
DISCOVERY = {"handlers.http.routes.discovery", "scim.service.resources.discovery"}
QUERIES = {
    "handlers.http.routes.resources",
    "scim.service.resources.search",
    "scim.protocol.projection",
    "scim.protocol.sort",
}
USERS = {
    "scim.service.resources.crud",
    "scim.service.resources.preconditions",
    "scim.store.resources",
    "scim.protocol.patch.apply",
    "scim.protocol.resource",
    "scim.protocol.filter.parser",
}
FAILURES = {"scim.service.audit.failure_recorder", "scim.service.model.audit.log_record"}
CONSOLE = {"handlers.console.application", "jinja2"}
OPENID = {"scim.auth.console_sign_in.openid_provider", "jwt", "cryptography"}
# What the SDK of AWS consists of, which the wire client replaces. Powertools imports the empty package botocore.
SDK = {"botocore.session", "botocore.exceptions", "urllib3", "http.client", "email.parser"}
# pydantic without its core (docs/decisions/start-up/pydantic-core.md).
MODELS = {"pydantic", "pydantic.main"}
NOT_IMPORTED = {
    "users": UNUSED | SDK | MODELS | CONNECTING | BULK | FAILURES | CONSOLE | OPENID,
    "bulk": UNUSED | SDK | MODELS | CONNECTING | DISCOVERY | QUERIES,
    "discovery": UNUSED | SDK | MODELS | CONNECTING | BULK | QUERIES | USERS | FAILURES | CONSOLE,
    "admin": UNUSED | OPENID | {"handlers.http.routes.resources", "scim.service.resources.bulk.processor"},
}
IMPORTED = {
    "users": DISCOVERY | QUERIES | USERS,
    "bulk": BULK | USERS,
    "discovery": DISCOVERY,
    "admin": CONNECTING | CONSOLE,
}

PRIME = """
import json, os, socket, sys

def refuse(*_):
    raise AssertionError("a snapshot must not contain this")

os.urandom = socket.socket.connect = refuse  # before other modules import them
import {module}
primed = vars({module}.handler)["_adapters"]
print(json.dumps(sorted(sys.modules)))
"""


def prime(function: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Initialize a function in a process that cannot open connections or read random bytes."""
    environment = {name: value for name, value in ENVIRONMENT.items() if not name.startswith("AWS_")}
    environment |= {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/credentials",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
        "PYTHONPATH": str(SOURCE),
    }
    return subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", PRIME.format(module=f"handlers.{function}")],
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("function", NOT_IMPORTED)
def test_snapshot_has_nothing_unique_or_secret(function: str) -> None:
    process = prime(function)

    assert process.returncode == 0, process.stderr
    modules = set(json.loads(process.stdout))
    assert modules & NOT_IMPORTED[function] == set()
    assert modules >= IMPORTED[function]


@pytest.mark.parametrize(
    ("function", "variables"),
    [("discovery", {"SECRET_PREFIX": ""}), ("users", {"INDEXED_ATTRIBUTES": "active"})],
)
def test_invalid_setting_fails_the_snapshot(function: str, variables: dict[str, str]) -> None:
    process = prime(function, **variables)

    assert process.returncode != 0
    (name,) = variables
    assert re.search(rf"^ValueError: .*{name}", process.stderr, re.MULTILINE)


def test_stream_function_imports_no_link_processor() -> None:
    """It sends tasks to the links queue. It has no access to the table."""
    code = "import json, sys, scim.events.stream_processor; print(json.dumps(sorted(sys.modules)))"
    process = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", code], env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=True
    )
    modules = set(json.loads(process.stdout))
    assert (
        modules
        & {
            "scim.service.references.reference_resolver",
            "scim.service.references.links",
            "scim.store.links",
            "scim.store.resources",
        }
        == set()
    )


def test_modules_that_are_not_imported_exist() -> None:
    ours = {name for names in NOT_IMPORTED.values() for name in names if name.startswith(("handlers", "scim"))}

    assert [name for name in ours if not (SOURCE / name.replace(".", "/")).with_suffix(".py").exists()] == []


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_randomness_comes_from_the_system(path: Path) -> None:
    tree = ast.parse(path.read_text())

    imported = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "random"
    }

    assert "random" not in imported
    assert used <= {"SystemRandom"}
