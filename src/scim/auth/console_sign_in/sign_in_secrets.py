"""The secrets for the sign-in of operators: the admin password, and the settings of the OpenID provider."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from pydantic_core import ValidationError

from scim.auth.authentication import MAX_CACHE_AGE_S
from scim.auth.cached_secret import CachedSecret
from scim.auth.console_sign_in.openid_settings import OpenIdSettings
from scim.auth.errors import MalformedSecret, list_wrong_fields
from scim.aws.errors import ErrorResponse
from scim.aws.staging_labels import AWSCURRENT

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_LASTING_CODES = frozenset({"AccessDeniedException", "InvalidRequestException", "ResourceNotFoundException"})
"""The error codes of a secret that an operator must repair: no permission, marked for deletion, does not exist."""
_UNAVAILABLE = "Sign-in is not available at the moment. Try again."


def build_password_secret(client: SecretsManagerClient, secret_id: str, now: Callable[[], float]) -> CachedSecret[str]:
    """Return the cached secret that contains the admin password.

    ``secret_id`` is the name or ARN of the secret. ``now`` returns the seconds since 1970.
    """
    parse = partial(_parse_password, secret_id)
    return CachedSecret(client, secret_id, now, parse, max_age_s=MAX_CACHE_AGE_S, unavailable_message=_UNAVAILABLE)


def build_openid_settings_secret(
    client: SecretsManagerClient, secret_id: str, now: Callable[[], float]
) -> CachedSecret[OpenIdSettings]:
    """Return the cached secret that contains the settings of the OpenID provider, with the client's secret.

    ``secret_id`` is the name or ARN of the secret. It names the secret with the client's secret, which is read at the
    same time. ``now`` returns the seconds since 1970.
    """
    parse = partial(_read_openid_settings, client, secret_id)
    return CachedSecret(client, secret_id, now, parse, max_age_s=MAX_CACHE_AGE_S, unavailable_message=_UNAVAILABLE)


def _parse_password(secret_id: str, text: str) -> str:
    if not text:
        raise MalformedSecret(
            f"The secret {secret_id} has no value. Set it to an admin password of at least 20 characters."
        )
    return text


def _read_openid_settings(client: SecretsManagerClient, secret_id: str, text: str) -> OpenIdSettings:
    """Parse the settings, and read the client's secret if there is an OpenID provider."""
    settings = _parse_openid_settings(secret_id, text)
    if not settings.issuer:
        return settings
    return settings.model_copy(update={"client_secret": _read_client_secret(client, settings.client_secret_arn)})


def _read_client_secret(client: SecretsManagerClient, secret_id: str) -> str:
    """Return the client's secret without the white space around it, such as the line break at the end of a file."""
    try:
        response = client.get_secret_value(SecretId=secret_id, VersionStage=AWSCURRENT)
    except ErrorResponse as error:
        if error.code not in _LASTING_CODES:
            raise
        raise MalformedSecret(_describe_client_secret(secret_id, f"cannot be read: {error.code}")) from None
    if client_secret := response.get("SecretString", "").strip():  # absent in a binary secret
        return client_secret
    raise MalformedSecret(_describe_client_secret(secret_id, "has no text"))


def _describe_client_secret(secret_id: str, reason: str) -> str:
    return (
        f"The client secret of the OpenID provider in the secret {secret_id} {reason}. Store the client secret there "
        "as text, or deploy the stack again with the ARN of another secret as OidcClientSecretArn."
    )


def _parse_openid_settings(secret_id: str, text: str) -> OpenIdSettings:
    try:
        return OpenIdSettings.model_validate_json(text)
    except ValidationError as error:
        raise MalformedSecret(
            f"The settings of the OpenID provider in the secret {secret_id} cannot be used (wrong: "
            f"{_list_problems(error)}). Deploy the stack again with the parameters OidcIssuer, OidcClientId, "
            "OidcClientSecretArn and OidcGroups or OidcDomains, or make the version AWSPREVIOUS of the secret the "
            "current one again; docs/operate/console.md, 'Sign in as an operator'."
        ) from None


def _list_problems(error: ValidationError) -> str:
    """Return a description of the validation errors, without any value of the secret."""
    messages = [details["msg"] for details in error.errors() if details["type"] == "value_error"]
    problems = [message.removeprefix("Value error, ").rstrip(".") for message in messages]
    return " ".join(problems) or list_wrong_fields(error)
