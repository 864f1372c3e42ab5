"""Secrets Manager: moto's, made durable. ``python -m local.services.secretsmanager --port PORT --journal FILE``

After a restart everything is as it was but the six random characters at the end of a secret's ARN: use its name.
"""

import sys
from contextlib import suppress
from pathlib import Path
from secrets import token_urlsafe

import boto3

from local.constants import REGION
from local.services.journaled_service import Service, ServiceRequest, ServiceResponse, run_service
from local.services.server_process import ServerProcess


def create_process(data: Path) -> ServerProcess:
    """The service in a process of its own, with its journal in a directory."""
    journal = data / "secrets.journal"
    return ServerProcess(
        "Secrets Manager", [sys.executable, "-m", __name__, "--port", "{port}", "--journal", str(journal)], journal
    )


def ensure_secret(url: str, name: str, value: str | None = None) -> str:
    """What a secret holds, which is made unless it is there: of random characters, as ``GenerateSecretString`` does."""
    client = boto3.client(
        "secretsmanager",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - moto takes any
    )
    with suppress(client.exceptions.ResourceExistsException):
        client.create_secret(Name=name, SecretString=value or token_urlsafe(48))
    return str(client.get_secret_value(SecretId=name)["SecretString"])


def create_service() -> Service:
    """A fresh Secrets Manager, of one account and one region."""
    from moto.moto_server.werkzeug_app import create_backend_app  # takes half a second, in the service's process only

    client = create_backend_app("secretsmanager").test_client()

    def service(call: ServiceRequest) -> ServiceResponse:
        response = client.post("/", data=call.body, headers={"X-Amz-Target": call.target, "Host": "secretsmanager"})
        return ServiceResponse(
            response.status_code, {"Content-Type": "application/x-amz-json-1.1"}, response.get_data()
        )

    return service


if __name__ == "__main__":
    run_service(create_service)
