"""The checks of the smoke test, in the order in which they run."""

from deployment.smoke.check import Check
from deployment.smoke.checks import events, permissions, requests, resources, signals, tokens
from deployment.smoke.run import SmokeRun

_PROTECT = "Run make protect."
_DEPLOY = "Run make deploy, which restores what the template describes."
_LOGS = "Read the log group FunctionLogGroup: docs/operate/logs.md."
_ALARMS = "Read docs/operate/alarms.md."
_POLICIES = "Compare the policies of the role with template.yaml, and run make deploy."

CHECKS: tuple[Check[SmokeRun], ...] = (
    Check("functions", "the alias of each function leads to a ready version", _DEPLOY, resources.check_functions),
    Check(
        "SnapStart",
        "the functions of the API and the console have a snapshot",
        "Lambda needs some minutes after a deployment. If this does not change, run make deploy.",
        resources.check_snapstart,
        ("functions",),
    ),
    Check(
        "event sources",
        "Lambda reads the table's stream and the links queue",
        "Enable the event source mapping in Lambda, and check the role of the function.",
        resources.check_event_sources,
        ("functions",),
    ),
    Check("stream", "the table has the stream that the stack reads", _PROTECT, resources.check_stream),
    Check("backups", "point-in-time recovery is on", _PROTECT, resources.check_backups),
    Check("expiry", "DynamoDB deletes expired items (TTL)", _PROTECT, resources.check_expiry),
    Check(
        "deletion protection", "the table cannot be deleted by mistake", _PROTECT, resources.check_deletion_protection
    ),
    Check(
        "encryption",
        "the table and the queues are encrypted with `KmsKeyArn`",
        _DEPLOY,
        resources.check_encryption,
    ),
    Check("log groups", "the log groups keep lines for `LogRetentionDays`", _DEPLOY, resources.check_log_groups),
    Check(
        "TLS",
        "the certificate of the SCIM URL is valid, with TLS 1.2 or later",
        "Check the certificate and the DNS record of the domain, or set URL=.",
        requests.check_tls,
    ),
    Check(
        "connect",
        "you can connect a customer with your own rights",
        "Check your rights: docs/operate/smoke-test.md lists them.",
        tokens.check_connect,
    ),
    Check(
        "temporary rule",
        "the event bus accepts rules",
        "Check that the event bus exists, and your rights.",
        events.create_temporary_rule,
    ),
    Check(
        "authentication",
        "only the customer's token is accepted",
        _LOGS,
        requests.check_authentication,
        ("connect",),
    ),
    Check("discovery", "the discovery function answers", _LOGS, requests.check_discovery, ("connect",)),
    Check(
        "create",
        "IAM allows the transaction of a create, and a userName is unique",
        _LOGS,
        requests.check_create,
        ("authentication",),
    ),
    Check("filters", "users are found by keys and by the index `ByTime`", _LOGS, requests.check_filters, ("create",)),
    Check("PATCH and PUT", "IAM allows the transactions of changes", _LOGS, requests.check_patch, ("create",)),
    Check(
        "bulk",
        "IAM allows one transaction for users who refer to each other",
        _LOGS,
        requests.check_bulk,
        ("create",),
    ),
    Check("pages", "pages by cursor and by startIndex return each user once", _LOGS, requests.check_pages, ("bulk",)),
    Check("HEAD", "API Gateway answers a HEAD without a body", _LOGS, requests.check_head, ("create",)),
    Check(
        "encoding",
        "API Gateway does not replace bytes that are not UTF-8",
        "Please report this: docs/decisions/protocol/encoding-of-bodies.md.",
        requests.check_encoding,
        ("create",),
    ),
    Check("DELETE", "IAM allows the transaction of a delete", _LOGS, requests.check_delete, ("PATCH and PUT",)),
    Check(
        "console",
        "`/admin` and `/admin/` lead to the console",
        "Please report this: docs/decisions/template/routes.md.",
        requests.check_console,
    ),
    Check(
        "events",
        "changes reach a queue on the event bus",
        "Read docs/operate/dead-letter-queues.md.",
        events.check_events,
        ("temporary rule", "DELETE"),
    ),
    Check(
        "links",
        "a reference to a manager who is created later is linked",
        "Read the line `links` in the log group FunctionLogGroup, and docs/operate/dead-letter-queues.md.",
        events.check_links,
        ("temporary rule", "create"),
    ),
    Check(
        "rotation",
        "Secrets Manager can rotate the token of a customer",
        "Check RotationPermission and the line `rotation` in the log group FunctionLogGroup.",
        tokens.check_rotation,
        ("authentication",),
    ),
    Check(
        "needed permissions",
        "IAM allows what functions do",
        _POLICIES,
        permissions.check_required,
        ("functions",),
    ),
    Check(
        "forbidden calls",
        "IAM denies what the functions must not do",
        _POLICIES,
        permissions.check_forbidden,
        ("functions",),
    ),
    Check("KMS key", "the functions may use `KmsKeyArn` through AWS services only", _POLICIES, permissions.check_key),
    Check(
        "log lines", "a request has its log line, without personal data", _LOGS, signals.check_log_lines, ("create",)
    ),
    Check(
        "access log",
        "the access log has the address of the client, which a client cannot forge",
        "Check AccessLogSettings of the API's stage.",
        signals.check_access_log,
        ("authentication",),
    ),
    Check("metrics", "the metric filters publish metrics", _DEPLOY, signals.check_metrics, ("bulk", "DELETE")),
    Check(
        "metrics of Lambda",
        "Lambda publishes the metrics that alarms read",
        _ALARMS,
        signals.check_alarm_data,
        ("events", "rotation"),
    ),
    Check("no faults", "no function logged a fault during the run", _LOGS, signals.check_fault_lines, ("log lines",)),
    Check("alarms", "each alarm exists, can notify and is OK", _ALARMS, signals.check_alarms),
)
