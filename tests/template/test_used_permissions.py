"""The functions have exactly the permissions for the calls that they make."""

import json
import os
import time
import uuid
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from deployment.smoke.accesses import Reading, list_accesses
from handlers.health import HealthHandler
from handlers.pre_traffic import PreTrafficHook
from handlers.release_test import ReleasedFunction
from local.aws_lambda.queue_mapping import build_record
from local.services.messaging import Messaging
from scim.alerting.webhook import Webhook
from scim.protocol.errors import Rule
from scim.service.model.tenant import DEPLOYMENT_TEST_TENANT
from scim.service.model.timestamps import format_rfc3339
from scim.service.tenants.tenant_service import TenantService
from scim.settings import Settings
from scim.wiring.operator_adapters import build_operator_adapters
from tests.endpoint import CORE, ENTERPRISE, ENVIRONMENT, Endpoint, LambdaContext, load
from tests.events.history import build_stream_record
from tests.handlers.console.visitor import Visitor
from tests.handlers.tenants import get_tenant_id
from tests.template.conftest import Calls
from tests.template.deployment import (
    DEPLOYMENT,
    HOOK,
    LOG_AND_TRACE,
    READ_STREAM,
    ROTATION,
    TABLE_ARN,
    build_changes_handler,
    build_links_handler,
)
from tests.template_reader import Permission

# The permissions with which Lambda reads a queue (AWS Lambda developer guide, "Using Lambda with Amazon SQS").
READ_QUEUE = {f"sqs:{operation}" for operation in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")}


def test_changes_function_only_writes_accepted_events(
    scim: Endpoint, bus: Messaging, used_permissions: set[Permission]
) -> None:
    scim.create()
    used_permissions.clear()
    process_changes()
    permissions = {
        permission
        for permission in DEPLOYMENT.list_permissions("ChangesFunction")
        if permission.action.startswith("dynamodb:") and permission.action not in READ_STREAM
    }
    used = {permission for permission in used_permissions if permission.action != "dynamodb:Scan"}
    assert permissions == {Permission("dynamodb:BatchWriteItem", "E#*")}
    assert permissions == {permission for permission in used if permission.action.startswith("dynamodb:")}


def test_links_function_has_exactly_used_permissions(
    scim: Endpoint, bus: Messaging, used_permissions: set[Permission], calls: Calls
) -> None:
    alice = scim.create(externalId="a", **{ENTERPRISE: {"manager": {"value": "boss"}}})
    boss = scim.create(userName="boss")
    scim.create(**{ENTERPRISE: {"manager": {"value": "nobody"}}})
    process_changes()
    used_permissions.clear()
    calls.clear()
    update_links(bus)
    attributes = {
        attribute
        for _, operation, arguments in calls
        if operation == "TransactWriteItems"
        for access in list_accesses(operation, arguments, Reading.POOLED, TABLE_ARN)
        for attribute in access.attributes
    }
    assert f"/Users/{boss['id']}" in scim.request("GET", f"/Users/{alice['id']}").json()[ENTERPRISE]["manager"]["$ref"]
    permissions_of_links = set(used_permissions)
    for user in (boss, alice):
        scim.request("DELETE", f"/Users/{user['id']}")
    process_changes()
    bus.queues.send("LinksQueue", "no task")
    used_permissions.clear()
    update_links(bus)
    permissions = (
        LOG_AND_TRACE | {Permission(action) for action in READ_QUEUE} | permissions_of_links | used_permissions
    )
    assert permissions == DEPLOYMENT.list_permissions("LinksFunction")
    conditions = [statement.get("Condition", {}) for statement in DEPLOYMENT.list_statements("LinksFunction")]
    (allowed,) = [keys["ForAllValues:StringEquals"] for keys in conditions if "ForAllValues:StringEquals" in keys]
    assert set(allowed["dynamodb:Attributes"]) == attributes


def process_changes() -> None:
    """Invoke the function of the stream with all change records of the table."""
    scanned = boto3.client("dynamodb").scan(TableName="muster")["Items"]
    records = [build_stream_record(item) for item in scanned if item["sk"]["S"].startswith("C#")]
    assert build_changes_handler()({"Records": records}, LambdaContext()) == {"batchItemFailures": []}


def update_links(bus: Messaging) -> None:
    """Invoke the function of the links queue with all its messages."""
    handler = build_links_handler()
    while messages := bus.queues.receive("LinksQueue", 10):
        for message in messages:
            assert handler({"Records": [build_record(message)]}, LambdaContext()) == {"batchItemFailures": []}
            bus.queues.delete("LinksQueue", message.receipt_handle)


def rotate_token(settings: Settings, before: Callable[[], None]) -> None:
    """Rotate the token of a new tenant by the steps of Secrets Manager. ``before`` is called before the first one."""
    operator = build_operator_adapters(settings, "tests")
    tenant = f"tenant-{uuid.uuid4()}"[:40]
    operator.build_administration().tenants.connect(tenant)
    handler = load(DEPLOYMENT.get_function(ROTATION)["Handler"])
    before()
    for step in ("createSecret", "setSecret", "testSecret", "finishSecret"):
        secret = settings.secret_prefix + tenant
        handler({"Step": step, "SecretId": secret, "ClientRequestToken": "0" * 32}, LambdaContext())


def test_rotation_has_exactly_used_permissions(settings: Settings, used_permissions: set[Permission]) -> None:
    rotate_token(settings, before=used_permissions.clear)
    assert LOG_AND_TRACE | used_permissions == DEPLOYMENT.list_permissions(ROTATION)


def test_hook_has_exactly_used_permissions(
    settings: Settings, operator: TenantService, used_permissions: set[Permission]
) -> None:
    """Let the hook find no test customer, a connected one, one whose token was shown, and a disconnected one."""

    class FailingClient:
        def invoke(self, **_: Any) -> dict[str, str]:
            used_permissions.add(Permission("lambda:InvokeFunction"))
            return {"FunctionError": "Unhandled"}

        def put_lifecycle_event_hook_execution_status(self, **_: Any) -> None:
            used_permissions.add(Permission("codedeploy:PutLifecycleEventHookExecutionStatus"))

    versions = {function.variable: function for function in ReleasedFunction}
    hook = PreTrafficHook(lambda _service, _config: FailingClient(), {**os.environ, **versions})
    event = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "1"}
    total: set[Permission] = set()
    for prepare in (
        lambda: None,
        lambda: None,
        lambda: operator.tokens.mark_revealed(operator.connect_deployment_test()),
        lambda: operator.disconnect(DEPLOYMENT_TEST_TENANT),
    ):
        prepare()
        used_permissions.clear()
        hook(event, LambdaContext())  # type: ignore[arg-type]
        total |= used_permissions
    own_partition = f"A#{DEPLOYMENT_TEST_TENANT}"
    assert LOG_AND_TRACE | {
        permission._replace(keys=permission.keys.replace("A#*", own_partition)) for permission in total
    } == DEPLOYMENT.list_permissions(HOOK)


def test_health_check_has_exactly_used_permissions(
    connect: Callable[[], Endpoint], used_permissions: set[Permission], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check customers with failures of each kind of identifier, with a rejected token, and with an alert to send."""
    settings = {"webhook_secret_arn": "webhook", "scim_url": "https://scim.example.com/scim/v2"}
    secret = {"SecretId": ENVIRONMENT["ALERT_SECRET"]}
    boto3.client("secretsmanager").put_secret_value(**secret, SecretString=json.dumps(settings))
    boto3.client("secretsmanager").create_secret(Name="webhook", SecretString="https://hooks.example.com")
    monkeypatch.setattr(Webhook, "_post", lambda *_: "")
    scim, rejected = connect(), connect()
    user = scim.create()
    for attributes in ({"externalId": "a"}, {"userName": user["userName"]}, {"emails": [{"value": "a@example.com"}]}):
        assert scim.request("POST", "/Users", {"schemas": [CORE], **attributes}).status in (400, 409)
    assert scim.patch(user["id"], {"op": "replace", "path": "active", "value": "perhaps"}).status == 400
    operator = build_operator_adapters(Settings.from_environment(os.environ), "tests").build_administration()
    log_store = operator.build_audit_log_store(get_tenant_id(rejected))
    assert log_store.count_rejected_tokens(format_rfc3339(time.time()), 1, Rule.TOKEN)
    used_permissions.clear()
    HealthHandler()({}, LambdaContext())  # type: ignore[arg-type]
    boto3.client("secretsmanager").put_secret_value(**secret, SecretString="{}")
    boto3.client("secretsmanager").delete_secret(SecretId="webhook", ForceDeleteWithoutRecovery=True)
    used = {
        permission._replace(keys=keys)
        for permission in used_permissions
        if not permission.action.endswith(("PutSecretValue", "DeleteSecret"))
        for keys in permission.keys.split(", ")
    }
    assert LOG_AND_TRACE | used == DEPLOYMENT.list_permissions("HealthFunction")


def use_console(leave: Callable[[], object] = bool, resume: Callable[[], object] = bool) -> None:
    """Use all pages and forms of the console. Between ``leave`` and ``resume``, an identity provider sends requests."""
    operator, tenant = Visitor(), f"tenant-{uuid.uuid4()}"[:40]
    start = operator.sign_in()
    page = operator.submit(start, start.form("/admin"), tenant=tenant)
    page = operator.get(f"/admin/tenants/{tenant}/token")
    page = operator.submit(page, page.form("/token"))
    leave()
    scim = Endpoint(page.value("token"))
    user = scim.create(displayName="Ada Lovelace")
    assert scim.request("POST", "/Users", {"schemas": user["schemas"], "userName": user["userName"]}).status == 409
    resume()
    here = f"/admin/tenants/{tenant}"
    for path in (
        "",
        "/connect",
        "/connect/okta",
        "/log",
        "/log?person=" + user["userName"],
        "/log.csv",
        "/problems",
        "/users",
        "/users?search=love",
        "/users?search=nobody",
        f"/users/{user['id']}",
        "/users?sort=lastModified",
        "/users.csv",
        "",
    ):
        assert operator.get(here + path).status == 200
    for text in (user["userName"], user["id"], "nobody"):
        assert operator.get(f"/admin/search?q={text}").status == 200
    invited = operator.submit(access := operator.get(f"{here}/access"), access.form("/invite"))
    guest = Visitor()
    guest.submit(door := guest.get(invited.value("link")), door.forms[0])
    csrf = guest.get(f"{here}/connect").form("/sign-out").fields
    assert guest.send("POST", f"{here}/access/request", csrf).status == 303
    for path, action in (("token", "/token"), ("settings", "/mode"), ("token", "/revoke"), ("settings", "/disconnect")):
        page = operator.get(f"{here}/{path}")
        confirmation = {"confirmation": here.rpartition("/")[2]} if action == "/disconnect" else {}
        assert operator.submit(page, page.form(action), **confirmation).status == 200
    page = operator.get(f"{here}/token")
    operator.submit(page, page.form("/token"))
    operator.submit(page, page.form("/sign-out"))


def test_console_has_exactly_used_permissions(settings: Settings, used_permissions: set[Permission]) -> None:
    used: set[Permission] = set()
    use_console(leave=lambda: used.update(used_permissions), resume=used_permissions.clear)
    assert LOG_AND_TRACE | used | used_permissions == DEPLOYMENT.list_permissions("AdminFunction")
