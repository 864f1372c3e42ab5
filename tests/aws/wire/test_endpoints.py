"""Endpoints are those of botocore."""

import itertools
import json
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import Loader
from botocore.session import Session

from scim.aws.wire.endpoints import Service, find_endpoint, parse_url

PARTITIONS = json.loads((Path(botocore.__file__).parent / "data/partitions.json").read_text())["partitions"]
CONFIGURED = {
    "AWS_ENDPOINT_URL": ("", "https://all.example.com"),
    "AWS_ENDPOINT_URL_DYNAMODB": ("", "http://127.0.0.1:8000"),
    "AWS_ENDPOINT_URL_SECRETS_MANAGER": ("", "https://secrets.example.com:8443/path"),
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": ("", "true", "TRUE", "false"),
    "AWS_USE_FIPS_ENDPOINT": ("", "true"),
}


@pytest.fixture(scope="module")
def loader() -> Loader:
    """The loader of botocore's data, which is slow, so all sessions share it."""
    return Loader()


@pytest.mark.parametrize("service", Service)
@pytest.mark.parametrize("partition", PARTITIONS, ids=lambda partition: str(partition["id"]))
def test_hosts_of_all_regions(loader: Loader, service: Service, partition: dict[str, Any]) -> None:
    rules = loader.load_service_model(service, "endpoint-rule-set-1")
    provider = EndpointProvider(rules, loader.load_data("partitions"))
    for region in partition["regions"]:
        for is_fips, is_dual_stack in itertools.product((False, True), repeat=2):
            url = provider.resolve_endpoint(Region=region, UseFIPS=is_fips, UseDualStack=is_dual_stack).url
            environment = {
                "AWS_USE_FIPS_ENDPOINT": str(is_fips).lower(),
                "AWS_USE_DUALSTACK_ENDPOINT": str(is_dual_stack).lower(),
            }
            assert find_endpoint(service, region, environment) == parse_url(url)


@pytest.mark.slow
@pytest.mark.parametrize("service", Service)
def test_configured_urls(loader: Loader, service: Service) -> None:
    for values in itertools.product(*CONFIGURED.values()):
        environment = dict(zip(CONFIGURED, values, strict=True))
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            session = Session()  # a new one, because it caches its configuration
            session.register_component("data_loader", loader)
            credentials: dict[str, Any] = {"aws_access_key_id": "a", "aws_secret_access_key": "s"}
            client: Any = session.create_client(service, "eu-west-1", **credentials)
        expected = parse_url(client.meta.endpoint_url)
        assert find_endpoint(service, "eu-west-1", environment) == expected, environment


def test_unknown_region_is_in_the_largest_partition() -> None:
    assert find_endpoint(Service.DYNAMODB, "eu-new-7", {}).host == "dynamodb.eu-new-7.amazonaws.com"


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://example.com", "example.com"),
        ("https://example.com:443/", "example.com"),
        ("https://example.com:80", "example.com:80"),
        ("http://example.com:80", "example.com"),
        ("http://[::1]:8000/a", "[::1]:8000"),
    ],
)
def test_host_header(url: str, authority: str) -> None:
    assert parse_url(url).authority == authority


@pytest.mark.parametrize(
    "url", ["dynamodb.example.com", "ftp://example.com", "https://", "https:///path", "http://a:b"]
)
def test_invalid_url_is_rejected(url: str) -> None:
    with pytest.raises(ValueError, match=r"not the URL of an endpoint|Port could not"):
        parse_url(url)
