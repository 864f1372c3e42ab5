"""The commands ``connect``, ``rotate``, ``revoke`` and ``disconnect``, which control the access of a tenant."""

import json as json_module
import sys
from pathlib import Path
from typing import Any

import click

from cli import output
from cli.app import deployment_options, get_deployment, json_option, tenant_argument
from cli.deployment import Deployment
from cli.errors import ConflictError
from scim.auth.authentication import MAX_CACHE_AGE_S
from scim.service.model.token import NEVER_EXPIRES, IssuedToken
from scim.service.tenants.errors import TenantExists
from scim.service.tenants.token_service import DEFAULT_GRACE_S

_DELAY = f"They may keep working for up to {MAX_CACHE_AGE_S:.0f} seconds."

expires_option = click.option(
    "--expires",
    type=output.Duration({"never": NEVER_EXPIRES}),
    help="Lifetime of the token, for example 24h, 90d or never. Default: that of the previous token, or never.",
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")


def read_documents(paths: tuple[Path, ...]) -> list[Any]:
    """Return the schema documents in files. Raise ``ValueError``, which names the file, if one is not JSON in UTF-8."""
    documents = []
    for path in paths:
        try:
            documents.append(json_module.loads(path.read_text("utf-8-sig")))
        except UnicodeDecodeError:
            raise ValueError(f"{path} is not encoded in UTF-8. Save it as UTF-8.") from None
        except ValueError as error:
            raise ValueError(f"{path} is not valid JSON: {error}") from None
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
@click.option("--strict/--no-strict", default=None, help="Turn strict mode on or off (see muster strict). Default: off")
@click.option(
    "--extension",
    "extensions",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Schema document with custom attributes (see muster schema). Can be repeated.",
    metavar="FILE",
)
@expires_option
@json_option
@deployment_options
def connect(
    tenant_id: str, strict: bool | None, extensions: tuple[Path, ...], expires: float | None, json: bool
) -> None:
    """Connect a tenant and show its SCIM URL and token.

    The token is shown only once. If the command is interrupted before it shows the token, repeat it.

    If the tenant was disconnected, it gets a new token. Its users, their ids and its settings are kept.
    """
    deployment = get_deployment()
    documents = read_documents(extensions) if extensions else None
    try:
        issued = deployment.build_administration().tenants.connect(
            tenant_id, documents, is_strict=strict, lifetime_s=expires
        )
    except TenantExists as error:
        raise ConflictError(f"{error} To create a new token: muster rotate {tenant_id}") from error
    _print_token(deployment, issued, json=json)


@click.command(
    epilog="""\b
Examples:
  muster rotate acme                 the previous token stays valid for a day
  muster rotate acme --grace 7d      the previous token stays valid for a week
  muster rotate acme --grace 0       the previous token was leaked: revoke it now
"""
)
@tenant_argument
@click.option(
    "--grace",
    type=output.Duration({"0": 0.0}),
    default=DEFAULT_GRACE_S,
    help="How long the previous token stays valid, for example 30m, 24h or 7d; 0 revokes it. Default: 24h.",
)
@expires_option
@click.option("--force", is_flag=True, help="Rotate even if the previous token is still valid. It is revoked.")
@json_option
@deployment_options
def rotate(tenant_id: str, grace: float, expires: float | None, force: bool, json: bool) -> None:
    """Create a new token and show it.

    The token is shown only once. The previous token stays valid for the grace period (--grace).

    If a token was created but never shown, because a rotation was interrupted or done by Secrets Manager, this token
    is shown instead, unless --grace is 0.
    """
    deployment = get_deployment()
    issued = deployment.build_administration().tenants.tokens.rotate(
        tenant_id, grace_s=grace, lifetime_s=expires, is_forced=force
    )
    _print_token(deployment, issued, json=json)


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
    """Revoke all tokens of a tenant.

    The tenant stays connected. To create a new token: muster rotate.
    """
    deployment = get_deployment()
    _confirm(f"Revoke all tokens of {tenant_id}? Its identity provider needs a new token to continue.", yes=yes)
    deployment.build_administration().tenants.tokens.revoke(tenant_id)
    _print_state(tenant_id, "revoked", f"All tokens of {tenant_id} are revoked. {_DELAY}", json=json)


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
    """Disconnect a tenant and revoke all its tokens.

    The users and their ids are kept. Secrets Manager deletes the secret after 7 days. To connect the tenant again:
    muster connect.
    """
    deployment = get_deployment()
    _confirm(f"Disconnect {tenant_id}? Its identity provider can no longer change users. Users are kept.", yes=yes)
    deployment.build_administration().tenants.disconnect(tenant_id)
    _print_state(
        tenant_id,
        "disconnected",
        f"{tenant_id} is disconnected and its tokens are revoked. {_DELAY} Users are kept.",
        json=json,
    )


def _print_token(deployment: Deployment, issued: IssuedToken, *, json: bool) -> None:
    if json:
        output.print_json(
            {
                "tenant": issued.tenant_id,
                "scim_url": deployment.scim_url,
                "token": issued.token,
                "is_new": issued.is_new,
                "expires": output.format_rfc3339(issued.expires),
                "previous_until": output.format_rfc3339(issued.previous_expires),
            }
        )
    else:
        fields = {
            "Tenant": issued.tenant_id,
            "SCIM URL": deployment.scim_url,
            "Token": issued.token,
            "New": "yes" if issued.is_new else "no, it was created earlier and has never been shown",
            "Expires": output.format_optional_time(issued.expires, "never"),
        }
        if issued.previous_expires is not None:
            fields["Previous token until"] = output.format_time(issued.previous_expires)
        output.print_fields(fields)
        click.echo("Copy the token now. It is not shown again.", err=True)
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
