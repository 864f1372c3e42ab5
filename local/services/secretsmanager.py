"""Run Secrets Manager with moto and a journal: ``python -m local.services.secretsmanager --port PORT --journal FILE``.

After a restart, the six random characters at the end of a secret's ARN are different. Use the secret's name.
"""

import sys
from contextlib import suppress
from pathlib import Path
from secrets import token_urlsafe

from local.aws_client import create_client
from local.services.journaled_service import Service, ServiceRequest, ServiceResponse, run_service
from local.services.server_process import ServerProcess


def create_process(data: Path) -> ServerProcess:
    """Return the process of the service, not yet started, with its journal in a directory."""
    journal = data / "secrets.journal"
    return ServerProcess(
        "Secrets Manager", [sys.executable, "-m", __name__, "--port", "{port}", "--journal", str(journal)], journal
    )


def ensure_secret(url: str, name: str, value: str | None = None) -> str:
    """Create a secret unless it exists, with random characters if ``value`` is None; return its current value."""
    client = create_client("secretsmanager", url)
    with suppress(client.exceptions.ResourceExistsException):
        client.create_secret(Name=name, SecretString=value or token_urlsafe(48))
    return str(client.get_secret_value(SecretId=name)["SecretString"])


def create_service() -> Service:
    """Return an empty Secrets Manager."""
    from moto.moto_server.werkzeug_app import create_backend_app  # lazy: it takes half a second

    client = create_backend_app("secretsmanager").test_client()

    def service(request: ServiceRequest) -> ServiceResponse:
        headers = {"X-Amz-Target": request.target, "Host": "secretsmanager"}
        response = client.post("/", data=request.body, headers=headers)
        return ServiceResponse(
            response.status_code, {"Content-Type": "application/x-amz-json-1.1"}, response.get_data()
        )

    return service


if __name__ == "__main__":
    run_service(create_service)
