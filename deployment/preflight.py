"""Check the configuration of a deployment: ``python -m deployment.preflight [ENVIRONMENT]``.

It needs an environment in ``samconfig.toml``, a region, and credentials. ``make deploy`` does this before it installs
anything, so this module uses only the standard library. It asks no AWS service: credentials that exist can still be
wrong or expired.
"""

import configparser
import os
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_CREDENTIAL_SETTINGS = frozenset(
    ["aws_access_key_id", "credential_process", "login_session", "role_arn", "sso_session", "sso_start_url"]
)
"""The settings of a profile that give credentials, one of which suffices (AWS SDKs and Tools Reference Guide)."""
_CREDENTIAL_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_VENDOR = Path("/sys/devices/virtual/dmi/id/sys_vendor")


class PreflightError(Exception):
    """A condition for a deployment does not hold. The message says how to fix it, in one line."""


def main(config: str = "default") -> int:
    """Print the error, if any, and return the exit code. ``config`` is an environment in ``samconfig.toml``."""
    try:
        options = read_sam_options(Path(), config)
        check_stack_name(options)
        check_aws(options, os.environ, has_instance_role=_is_ec2_instance())
    except PreflightError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def read_sam_options(directory: Path, config: str) -> dict[str, Any]:
    """Return the options of ``sam deploy`` in ``samconfig.toml``. Those of the command override the global ones.

    Args:
        directory: The folder with ``samconfig.toml``.
        config: The environment in ``samconfig.toml``.

    Raises:
        PreflightError: ``samconfig.toml`` has no such environment.
    """
    document = tomllib.loads((directory / "samconfig.toml").read_text("utf-8"))
    sections = document.get(config)
    if not isinstance(sections, dict):
        names = ", ".join(name for name, value in document.items() if isinstance(value, dict))
        raise PreflightError(f"samconfig.toml has no environment {config!r}; it has: {names}")
    return {**sections.get("global", {}).get("parameters", {}), **sections.get("deploy", {}).get("parameters", {})}


def check_stack_name(options: Mapping[str, Any]) -> None:
    """Raise :class:`PreflightError` if the stack is named ``default``.

    The event bus has the name of the stack, and ``default`` is the name of the account's own event bus. CloudFormation
    would fail after it created the table.
    """
    if options.get("stack_name") == "default":
        raise PreflightError(
            "a stack cannot be named 'default', because its event bus has the same name, and that of your account's"
            " own event bus is 'default'; write another stack_name in samconfig.toml"
        )


def check_aws(options: Mapping[str, Any], environment: Mapping[str, str], *, has_instance_role: bool = False) -> None:
    """Raise :class:`PreflightError` unless a region and credentials are configured, as the SAM CLI finds them.

    Args:
        options: The options of ``sam deploy``, from ``read_sam_options``.
        environment: The environment variables.
        has_instance_role: The credentials can come from the metadata service of an EC2 instance.
    """
    name = options.get("profile") or environment.get("AWS_PROFILE") or environment.get("AWS_DEFAULT_PROFILE")
    profile = _read_profile(name or "default", environment)
    if profile is None and name:
        raise PreflightError(f"the AWS profile {name!r} does not exist; to create it: aws configure --profile {name}")
    profile = profile or {}
    _check_region(options, profile, environment)
    if not (
        has_instance_role
        or any(environment.get(variable) for variable in _CREDENTIAL_VARIABLES)
        or not _CREDENTIAL_SETTINGS.isdisjoint(profile)
    ):
        raise PreflightError(
            "no AWS credentials are configured; run aws configure or aws configure sso, or set AWS_PROFILE,"
            " or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )


def _check_region(options: Mapping[str, Any], profile: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Raise :class:`PreflightError` unless a region is configured."""
    if options.get("region") or environment.get("AWS_DEFAULT_REGION") or profile.get("region"):
        return
    if environment.get("AWS_REGION"):
        raise PreflightError(
            "AWS_REGION is set, but the SAM CLI reads only AWS_DEFAULT_REGION; set that too,"
            f" for example: make deploy AWS_DEFAULT_REGION={environment['AWS_REGION']}"
        )
    raise PreflightError(
        "no AWS region is configured; set it, for example: make deploy AWS_DEFAULT_REGION=eu-central-1"
        ' (or write region = "eu-central-1" below [default.deploy.parameters] in samconfig.toml)'
    )


def _read_profile(name: str, environment: Mapping[str, str]) -> dict[str, str] | None:
    """Return the settings of a profile in the configuration and credentials files, or ``None`` if it does not exist."""
    sections = list(_find_sections(name, environment))
    return {key: value for section in sections for key, value in section.items()} if sections else None


def _find_sections(name: str, environment: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Yield the sections of a profile. In the configuration file, only ``default`` has no prefix ``profile``."""
    home = Path(environment.get("HOME", "/"))
    for variable, file, section in (
        ("AWS_CONFIG_FILE", "config", name if name == "default" else f"profile {name}"),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials", name),
    ):
        parser = configparser.RawConfigParser(strict=False)
        path = Path(environment.get(variable) or home / ".aws" / file).expanduser()
        try:
            parser.read(path, "utf-8")
        except (configparser.Error, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split())
            raise PreflightError(f"{path} is not a configuration file of AWS: {reason}") from error
        if parser.has_section(section):
            yield dict(parser.items(section))


def _is_ec2_instance() -> bool:
    """Return whether this machine is an EC2 instance, whose role may give credentials."""
    return _VENDOR.exists() and "Amazon EC2" in _VENDOR.read_text("utf-8", "replace")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
