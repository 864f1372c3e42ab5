"""Create wire clients from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache

from scim.aws.config import ClientConfig
from scim.aws.wire.client import DynamoDBWireClient, SecretsManagerWireClient, WireClient
from scim.aws.wire.credentials import CredentialSource, find_source
from scim.aws.wire.endpoints import Service, find_endpoint

_REGION = "AWS_DEFAULT_REGION"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")

_CLIENTS: Mapping[Service, type[WireClient]] = {
    Service.DYNAMODB: DynamoDBWireClient,
    Service.SECRETS_MANAGER: SecretsManagerWireClient,
}


def can_serve(config: ClientConfig, environment: Mapping[str, str]) -> bool:
    """Return whether a wire client can make the calls. It knows no proxies, no retries and no configuration files."""
    has_proxy = any(environment.get(name) or environment.get(name.lower()) for name in _PROXIES)
    return bool(environment.get(_REGION)) and not has_proxy and config.max_attempts == 1


def create_wire_client(service: Service, config: ClientConfig) -> WireClient:
    """Return a client with the region, the endpoint and the credentials of the environment variables."""
    region = os.environ[_REGION]
    endpoint = find_endpoint(service, region, os.environ)
    ca_bundle = os.environ.get("AWS_CA_BUNDLE", "")
    variables = frozenset((name, value) for name, value in os.environ.items() if name.startswith(("AWS_", "BOTO_")))
    return _CLIENTS[service](service, region, endpoint, config, _share_source(variables), ca_bundle)


@cache
def _share_source(variables: frozenset[tuple[str, str]]) -> CredentialSource:
    """Return the source of credentials that all clients with the same variables share, so that it is asked once."""
    return find_source(dict(variables))
