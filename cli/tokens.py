"""The commands ``connect``, ``rotate``, ``revoke`` and ``disconnect``: the access of a tenant."""

import json as json_module
import sys
from pathlib import Path
from typing import Any

import click

from cli import output
from cli.app import deployment_options, get_deployment, json_option, tenant_argument
from cli.deployment import Deployment
from scim.auth.authentication import MAX_CACHE_AGE_S
from scim.service.model.token import NEVER_EXPIRES, IssuedToken
from scim.service.tenants.token_service import DEFAULT_GRACE_S

_DELAY = f"within {MAX_CACHE_AGE_S:.0f} seconds, since what is valid is remembered for so long"

expires_option = click.option(
    "--expires",
    type=output.Duration({"never": NEVER_EXPIRES}),
    help="How long the token lives, like 90d, or never (default: as long as the one before; the first one for ever).",
)
yes_option = click.option("--yes", is_flag=True, help="Don't ask.")


def read_documents(paths: tuple[Path, ...]) -> list[Any]:
    """Return the schema documents in some files. Raises ``ValueError`` with the name of a file that has no JSON."""
    documents = []
    for path in paths:
        try:
            documents.append(json_module.loads(path.read_text("utf-8")))
        except ValueError as error:
            raise ValueError(f"{path} holds no JSON: {error}") from None
    return documents


@click.command(
    epilog="""\b
Examples:
  muster connect acme
  muster connect acme --strict --expires 365d
  muster connect acme --extension examples/extensions/employee.json --stack muster
"""
)
@tenant_argument
@click.option("--strict/--tolerant", default=None, help="Refuse what is beyond the RFC (default: tolerant).")
@click.option(
    "--extension",
    "extensions",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="A file with a schema document: custom attributes of the tenant's users. May be repeated.",
)
@expires_option
@json_option
@deployment_options
def connect(
    tenant_id: str, strict: bool | None, extensions: tuple[Path, ...], expires: float | None, json: bool
) -> None:
    """Connect TENANT, or connect it again, and show its SCIM URL and its token, once.

    A tenant that was disconnected has its users and their ids as before, and a new token. Its settings stay where
    none are given here. If the token could not be shown, say it once more.
    """
    deployment = get_deployment()
    documents = read_documents(extensions) if extensions else None
    _print_token(
        deployment,
        deployment.build_administration().tenants.connect(tenant_id, documents, is_strict=strict, lifetime_s=expires),
        json=json,
    )


@click.command(
    epilog="""\b
Examples:
  muster rotate acme                 the old token stays valid for a day
  muster rotate acme --grace 7d      ... for a week
  muster rotate acme --grace 0       the old token is known to somebody: it ends now
"""
)
@tenant_argument
@click.option(
    "--grace",
    type=output.Duration({"0": 0.0}),
    default=DEFAULT_GRACE_S,
    show_default="24h",
    help="How long the old token stays valid; 0 ends it now.",
)
@expires_option
@click.option("--force", is_flag=True, help="Even if the token before the current one is still valid, which ends it.")
@json_option
@deployment_options
def rotate(tenant_id: str, grace: float, expires: float | None, force: bool, json: bool) -> None:
    """Show a new token for TENANT, once; the old one stays valid for a while.

    A token that was made and never shown, by a rotation that was interrupted or by Secrets Manager's own, is shown
    instead of another, unless --grace is 0.
    """
    deployment = get_deployment()
    _print_token(
        deployment,
        deployment.build_administration().tenants.tokens.rotate(
            tenant_id, grace_s=grace, lifetime_s=expires, is_forced=force
        ),
        json=json,
    )


@click.command(
    epilog="""\b
Example:
  muster revoke acme --yes
"""
)
@tenant_argument
@yes_option
@json_option
@deployment_options
def revoke(tenant_id: str, yes: bool, json: bool) -> None:
    """End all tokens of TENANT. It stays connected: muster rotate makes a new token."""
    deployment = get_deployment()
    _confirm(f"End all tokens of {tenant_id}? Its identity provider gets nothing done until it has a new one.", yes=yes)
    deployment.build_administration().tenants.tokens.revoke(tenant_id)
    _print_state(tenant_id, "revoked", f"All tokens of {tenant_id} end {_DELAY}.", json=json)


@click.command(
    epilog="""\b
Example:
  muster disconnect acme --yes
"""
)
@tenant_argument
@yes_option
@json_option
@deployment_options
def disconnect(tenant_id: str, yes: bool, json: bool) -> None:
    """End the access of TENANT and delete its secret. Its users stay, as they are: muster connect brings it back."""
    deployment = get_deployment()
    _confirm(f"Disconnect {tenant_id}? Its users stay as they are, and nobody updates them any more.", yes=yes)
    deployment.build_administration().tenants.disconnect(tenant_id)
    _print_state(
        tenant_id, "disconnected", f"{tenant_id} is disconnected; its tokens end {_DELAY}. Its users stay.", json=json
    )


def _print_token(deployment: Deployment, issued: IssuedToken, *, json: bool) -> None:
    if json:
        output.print_json(
            {
                "tenant": issued.tenant_id,
                "scim_url": deployment.scim_url,
                "token": issued.token,
                "expires": output.format_rfc3339(issued.expires),
                "previous_until": output.format_rfc3339(issued.previous_expires),
            }
        )
    else:
        previous = (
            {} if issued.previous_expires is None else {"Old token until": output.format_time(issued.previous_expires)}
        )
        fields = {"Tenant": issued.tenant_id, "SCIM URL": deployment.scim_url, "Token": issued.token}
        output.print_fields(fields | {"Expires": output.format_time(issued.expires)} | previous)
        click.echo("The token is shown only now.", err=True)
    sys.stdout.flush()
    deployment.build_administration().tenants.tokens.mark_revealed(issued)


def _confirm(question: str, *, yes: bool) -> None:
    if not yes:
        click.confirm(question, abort=True, err=True)


def _print_state(tenant_id: str, state: str, sentence: str, *, json: bool) -> None:
    if json:
        output.print_json({"tenant": tenant_id, "state": state, "effective_within_s": MAX_CACHE_AGE_S})
    else:
        click.echo(sentence)
