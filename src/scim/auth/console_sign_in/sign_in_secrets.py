"""The secrets for the sign-in of operators: the admin password, and the settings of the OpenID provider."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from pydantic import ValidationError

from scim.auth.authentication import MAX_CACHE_AGE_S
from scim.auth.cached_secret import CachedSecret
from scim.auth.console_sign_in.openid_settings import OpenIdSettings
from scim.auth.errors import MalformedSecret, list_wrong_fields

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

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
    """Return the cached secret that contains the settings of the OpenID provider.

    ``secret_id`` is the name or ARN of the secret. ``now`` returns the seconds since 1970.
    """
    parse = partial(_parse_openid_settings, secret_id)
    return CachedSecret(client, secret_id, now, parse, max_age_s=MAX_CACHE_AGE_S, unavailable_message=_UNAVAILABLE)


def _parse_password(secret_id: str, text: str) -> str:
    if not text:
        raise MalformedSecret(
            f"The secret {secret_id} has no value. Set it to an admin password of at least 20 characters."
        )
    return text


def _parse_openid_settings(secret_id: str, text: str) -> OpenIdSettings:
    try:
        return OpenIdSettings.model_validate_json(text)
    except ValidationError as error:
        raise MalformedSecret(
            f"The settings of the OpenID provider in the secret {secret_id} cannot be used (wrong: "
            f"{_list_problems(error)}). Deploy the stack again with the parameters OidcIssuer, OidcClientId, "
            "OidcClientSecret and OidcGroups or OidcDomains, or make the version AWSPREVIOUS of the secret the current "
            "one again; docs/operate/console.md, 'Sign in as an operator'."
        ) from None


def _list_problems(error: ValidationError) -> str:
    """Return a description of the validation errors, without any value of the secret."""
    messages = [details["msg"] for details in error.errors() if details["type"] == "value_error"]
    problems = [message.removeprefix("Value error, ").rstrip(".") for message in messages]
    return " ".join(problems) or list_wrong_fields(error)
