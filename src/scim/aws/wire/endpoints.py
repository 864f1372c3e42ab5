"""Find the endpoint of a service from the environment, as the AWS SDKs do.

Sources: AWS SDKs and tools reference guide, "Service-specific endpoints" and "Dual-stack and FIPS endpoints"; the
endpoint rules and ``partitions.json`` in botocore.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit


class Service(StrEnum):
    """A service that the wire client can call. The value is its name in hosts and signatures."""

    DYNAMODB = "dynamodb"
    SECRETS_MANAGER = "secretsmanager"


_URL_VARIABLES = {
    Service.DYNAMODB: "AWS_ENDPOINT_URL_DYNAMODB",
    Service.SECRETS_MANAGER: "AWS_ENDPOINT_URL_SECRETS_MANAGER",
}


@dataclass(frozen=True, slots=True)
class ServiceEndpoint:
    """The parts of an endpoint's URL. ``path`` ends with a slash."""

    is_secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Return the header ``Host``: the host, and the port unless it is the default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_secure else 80) else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class _Partition:
    """A partition of AWS: the domain of its endpoints, and that of its dual-stack endpoints."""

    domain: str
    dual_stack_domain: str


_AWS = _Partition("amazonaws.com", "api.aws")
_CHINA = _Partition("amazonaws.com.cn", "api.amazonwebservices.com.cn")
_GOV = _Partition("amazonaws.com", "api.aws")
# The longest prefix of a region's name counts.
_PARTITIONS = {
    "cn-": _CHINA,
    "aws-cn-": _CHINA,
    "eusc-": _Partition("amazonaws.eu", "api.amazonwebservices.eu"),
    "us-gov-": _GOV,
    "aws-us-gov-": _GOV,
    "us-iso-": _Partition("c2s.ic.gov", "api.aws.ic.gov"),
    "aws-iso-": _Partition("c2s.ic.gov", "api.aws.ic.gov"),
    "us-isob-": _Partition("sc2s.sgov.gov", "api.aws.scloud"),
    "aws-iso-b-": _Partition("sc2s.sgov.gov", "api.aws.scloud"),
    "eu-isoe-": _Partition("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    "aws-iso-e-": _Partition("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    "us-isof-": _Partition("csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    "aws-iso-f-": _Partition("csp.hci.ic.gov", "api.aws.hci.ic.gov"),
}
# Secrets Manager has its dual-stack endpoints in these partitions at the same hosts as all others.
_SAME_HOSTS = (_AWS, _CHINA, _GOV)


def find_endpoint(service: Service, region: str, environment: Mapping[str, str]) -> ServiceEndpoint:
    """Return the endpoint of a service in a region. Raise ``ValueError`` if the environment names an invalid URL."""
    if url := _find_configured_url(service, environment):
        return parse_url(url)
    is_fips = _is_true(environment, "AWS_USE_FIPS_ENDPOINT")
    is_dual_stack = _is_true(environment, "AWS_USE_DUALSTACK_ENDPOINT")
    return ServiceEndpoint(True, _build_host(service, region, is_fips=is_fips, is_dual_stack=is_dual_stack), 443, "/")


def parse_url(url: str) -> ServiceEndpoint:
    """Return the endpoint with this URL. Raise ``ValueError`` if it is no URL of a web server."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url} is not the URL of an endpoint. Use for example https://dynamodb.example.com.")
    is_secure = parts.scheme == "https"
    path = parts.path if parts.path.endswith("/") else parts.path + "/"
    return ServiceEndpoint(is_secure, parts.hostname, parts.port or (443 if is_secure else 80), path)


def _find_configured_url(service: Service, environment: Mapping[str, str]) -> str:
    if _is_true(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        return ""
    return environment.get(_URL_VARIABLES[service]) or environment.get("AWS_ENDPOINT_URL", "")


def _build_host(service: Service, region: str, *, is_fips: bool, is_dual_stack: bool) -> str:
    partition = _find_partition(region)
    domain = partition.domain
    if is_dual_stack and not (service is Service.SECRETS_MANAGER and _has_same_host(partition, is_fips=is_fips)):
        domain = partition.dual_stack_domain
    # In GovCloud, the endpoints of DynamoDB are FIPS endpoints, except those for dual-stack.
    has_fips_name = is_fips and not (service is Service.DYNAMODB and partition is _GOV and not is_dual_stack)
    return f"{service}{'-fips' if has_fips_name else ''}.{region}.{domain}"


def _has_same_host(partition: _Partition, *, is_fips: bool) -> bool:
    return partition in _SAME_HOSTS and not (is_fips and partition is _CHINA)


def _find_partition(region: str) -> _Partition:
    matches = [prefix for prefix in _PARTITIONS if region.startswith(prefix)]
    return _PARTITIONS[max(matches, key=len)] if matches else _AWS


def _is_true(environment: Mapping[str, str], name: str) -> bool:
    return environment.get(name, "").lower() == "true"
