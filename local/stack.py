"""The AWS services and resources of the stack on this machine: table, secrets, event bus and queues."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local import engine
from local.constants import ACCOUNT, REGION
from local.engine import Engine
from local.services import secretsmanager
from local.services.messaging import Messaging, serve_messaging
from local.services.server_process import ServerProcess
from local.table import ensure_table
from local.template import Template
from scim.auth.master_key.key_ring import create_first_value

TABLE = "muster"
_MASTER_KEY = "muster/local/master-key"
_OPENID = "muster/local/openid-client"
_ALERTS = "muster/local/alert-settings"
_PASSWORD = "muster/local/admin-password"  # noqa: S105 - its name
REFERENCES = {  # the values of !Ref and !GetAtt in the template
    "Table": TABLE,
    "MasterKey": _MASTER_KEY,
    "AdminPassword": _PASSWORD,
    "OpenIdClient": _OPENID,
    "AlertSettings": _ALERTS,
    "EventBus": "local",
    "AWS::StackName": "local",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
}


@dataclass(frozen=True)
class Services:
    """The running replacements for AWS services."""

    dynamodb: Engine
    secrets_manager: ServerProcess
    messaging: Messaging


@contextmanager
def start_services(data: Path, template: Template) -> Iterator[Services]:
    """Run the services until the end of the block, with their data in a directory."""
    with (
        secretsmanager.create_process(data) as secrets_manager,
        engine.start(data) as dynamodb,
        serve_messaging(
            data, template.read_queues(), template.read_consumed_queues(), REFERENCES["EventBus"]
        ) as messaging,
    ):
        yield Services(dynamodb, secrets_manager, messaging)


def create_resources(template: Template, services: Services, master_key: str | None = None) -> str:
    """Create the table and the secrets, unless they exist; return the admin password.

    ``master_key`` is the value of the master key's secret, ``None`` for a new key.
    """
    ensure_table(services.dynamodb, template.build_table_request(TABLE))
    services.secrets_manager.wait()
    url = services.secrets_manager.url
    secretsmanager.ensure_secret(url, _MASTER_KEY, master_key or create_first_value())
    secretsmanager.ensure_secret(url, _OPENID, "{}")
    secretsmanager.ensure_secret(url, _ALERTS, "{}")
    return secretsmanager.ensure_secret(url, _PASSWORD)


def build_overrides(scim_url: str, services: Services) -> dict[str, str]:
    """Return the environment variables of the functions that replace the template's or exist only in a local run."""
    return {
        "PUBLIC_URL": scim_url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_DYNAMODB": services.dynamodb.url,
        "AWS_ENDPOINT_URL_EVENTBRIDGE": services.messaging.url,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": services.secrets_manager.url,
        "AWS_ENDPOINT_URL_SQS": services.messaging.url,
    }
