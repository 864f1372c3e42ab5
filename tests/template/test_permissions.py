"""The functions have exactly the permissions for the calls in the source of the adapters."""

import ast
from collections.abc import Iterator

import botocore.session
from botocore import xform_name

from deployment.smoke.accesses import TRANSACTION_OPERATIONS
from scim.auth.cached_secret import CachedSecret
from scim.auth.master_key.rotation import MasterKeyRotation
from scim.auth.token_rotation import TokenRotation
from scim.auth.token_store import SecretsManagerTokenStore
from scim.store.audit_log import DynamoDBAuditLogStore
from scim.store.console.console_store import DynamoDBConsoleStore, DynamoDBInvitationStore
from scim.store.tenants import DynamoDBTenantStore
from scim.store.transactions import Action
from tests.template.deployment import (
    DEPLOYMENT,
    DEPLOYMENTS_ARN,
    FUNCTIONS,
    LOG_AND_TRACE,
    READ_STREAM,
    SOURCE,
    TABLE_ARN,
    TEST_TOKEN_ARN,
    TOKENS_ARN,
    list_resources,
    with_all_functions,
)
from tests.template_reader import Permission

OPERATIONS = {
    xform_name(operation): operation
    for service in ("dynamodb", "secretsmanager")
    for operation in botocore.session.get_session().get_service_model(service).operation_names
}
# Methods that only an operator, the rotation or the console may call.
OPERATOR_METHODS = {
    method.__qualname__
    for method in (
        MasterKeyRotation.read_key_ring,
        MasterKeyRotation.rotate,
        MasterKeyRotation.remove_earlier_generations,
        DynamoDBConsoleStore.count_attempt,
        DynamoDBConsoleStore.reset_attempts,
        DynamoDBConsoleStore.mark_ended,
        DynamoDBConsoleStore.has_ended,
        DynamoDBInvitationStore.add,
        DynamoDBInvitationStore.get,
        DynamoDBInvitationStore.accept,
        CachedSecret.get,
        TokenRotation.run_step,
        DynamoDBTenantStore.write,
        DynamoDBTenantStore.list_ids,
        DynamoDBTenantStore.get_last_token_usage,
        DynamoDBTenantStore.count_users,
        DynamoDBTenantStore.list_users,
        SecretsManagerTokenStore.create_secret,
        SecretsManagerTokenStore.add_pending,
        SecretsManagerTokenStore.read_stages,
        SecretsManagerTokenStore.promote,
        SecretsManagerTokenStore.cancel_pending,
        SecretsManagerTokenStore.remove_versions,
        SecretsManagerTokenStore.delete_secret,
        SecretsManagerTokenStore.restore_secret,
        SecretsManagerTokenStore.destroy_secret,
        Action.check,
        DynamoDBAuditLogStore.list_records,
        DynamoDBAuditLogStore.find_failures,
        DynamoDBAuditLogStore.find_failures_by_name,
        DynamoDBAuditLogStore.list_changes,
        DynamoDBAuditLogStore.count_changes,
        DynamoDBAuditLogStore.find_previous_owner_ids,
        DynamoDBAuditLogStore.get_user_names,
        DynamoDBAuditLogStore.list_rejected_tokens,
        DynamoDBAuditLogStore.list_malformed_tokens,
        DynamoDBAuditLogStore.get_daily_failures,
    )
}
# Two kinds of items are written outside transactions: the use of tokens, and failures.
AUTHENTICATE = {
    Permission("secretsmanager:GetSecretValue"),
    Permission("dynamodb:GetItem", "A#*"),
    Permission("dynamodb:UpdateItem", "F#*"),
    Permission("dynamodb:UpdateItem", "R#*"),
}


def _list_definitions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from _list_definitions(node, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef):
            yield prefix + node.name, node


def _list_names(function: ast.AST) -> set[str]:
    names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    return names | {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}


def _list_request_functions() -> list[ast.FunctionDef]:
    """Return the functions of the adapters that requests use, read from the source.

    Methods that only an operator calls are omitted. Calls are found by name: a function is also omitted if all
    functions that mention its name are omitted. The package ``store/maintenance`` is for the command line only.
    """
    modules = [path for package in ("store", "auth") for path in (SOURCE / "scim" / package).rglob("*.py")]
    modules = [path for path in modules if "maintenance" not in path.parts]
    known = {name: node for path in modules for name, node in _list_definitions(ast.parse(path.read_text()))}
    mentions = {name: _list_names(node) for name, node in known.items()}
    served = known.keys() - OPERATOR_METHODS
    while True:
        callers = {name: {caller for caller in known if name.rpartition(".")[2] in mentions[caller]} for name in served}
        needed = {name for name in served if not callers[name] or callers[name] & served}
        if needed == served:
            return [known[name] for name in served]
        served = needed


def _list_called_operations() -> set[str]:
    """Return the operations of AWS that requests call."""
    nodes = [
        node for function in _list_request_functions() for node in ast.walk(function) if isinstance(node, ast.Attribute)
    ]
    return {OPERATIONS[node.attr] for node in nodes if ast.unparse(node.value).endswith("client")}


def _list_transaction_operations() -> set[str]:
    """Return the operations in transactions. Each of them needs a permission."""
    nodes = [
        node for function in _list_request_functions() for node in ast.walk(function) if isinstance(node, ast.Constant)
    ]
    return {TRANSACTION_OPERATIONS[node.value] for node in nodes if node.value in TRANSACTION_OPERATIONS}


def test_users_function_has_exactly_used_permissions() -> None:
    """In the partition of counters, only bookmarks are written without a transaction."""
    permits = {Permission("dynamodb:UpdateItem", "Q#*")}
    called = _list_called_operations() - {"TransactWriteItems", "GetSecretValue", "UpdateItem"}
    users = {Permission(f"dynamodb:{operation}", "T#*") for operation in called - {"BatchWriteItem"}}
    paging = {Permission(f"dynamodb:{operation}", "L#*") for operation in called & {"BatchWriteItem", "Query"}}
    changes = {
        Permission(f"dynamodb:{operation}", keys, "TransactWriteItems")
        for operation in _list_transaction_operations()
        for keys in ("L#*", "T#*")
    }
    assert {"TransactWriteItems", "BatchWriteItem"} <= _list_called_operations()
    for function in ("UsersFunction", "BulkFunction"):
        assert (
            DEPLOYMENT.list_permissions(function) == LOG_AND_TRACE | AUTHENTICATE | users | paging | changes | permits
        )


def test_discovery_function_may_only_authenticate() -> None:
    assert {"GetSecretValue", "GetItem", "UpdateItem"} <= _list_called_operations()
    assert DEPLOYMENT.list_permissions("DiscoveryFunction") == LOG_AND_TRACE | AUTHENTICATE


@with_all_functions
def test_permissions_have_no_wildcard_resources(function: str) -> None:
    resources_by_service: dict[str, list[str]] = {
        "dynamodb": [TABLE_ARN, f"{TABLE_ARN}/index/ByTime"],
        "events": ["EventBus.Arn"],
        "codedeploy": [DEPLOYMENTS_ARN],
        "lambda": [f"{name}.Arn:*" for name in FUNCTIONS],
        "logs": ["FunctionLogs.Arn"],
        "secretsmanager": [TOKENS_ARN, TEST_TOKEN_ARN, "MasterKey", "AdminPassword", "OpenIdClient", "AlertSettings"],
        "sns": ["AlarmTopic", "AlarmMail"],
        "sqs": [f"{queue}.Arn" for queue in DEPLOYMENT.select_by_type("AWS::SQS::Queue")],
        "xray": ["*"],  # X-Ray does not support resources
    }
    streams = {action: [f"{TABLE_ARN}/stream/*"] for action in READ_STREAM}
    for statement in DEPLOYMENT.list_statements(function):
        assert statement["Effect"] == "Allow"
        assert not any("*" in action for action in statement["Action"])
        assert all(
            resource in streams.get(action, resources_by_service[action.partition(":")[0]])
            for action in statement["Action"]
            for resource in list_resources(statement)
        )


@with_all_functions
def test_permissions_are_the_same_for_existing_data(function: str) -> None:
    for statement in DEPLOYMENT.list_statements(function):
        assert list_resources(statement, is_new=False) == list_resources(statement)
