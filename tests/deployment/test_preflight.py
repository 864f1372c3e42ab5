"""A missing program, region or credential is reported in one line, before anything is installed."""

import os
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from deployment.preflight import PreflightError, check_aws, check_stack_name, read_sam_options
from tests.template_reader import Deployment

ROOT = Path(__file__).parents[2]
DEPLOYMENT = Deployment(ROOT / "template.yaml")
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"}
REGION = {"AWS_DEFAULT_REGION": "eu-central-1"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A directory with a ``samconfig.toml``, which is also the home directory."""
    (tmp_path / "samconfig.toml").write_text('[default.global.parameters]\nstack_name = "muster"\n')
    (tmp_path / ".aws").mkdir()
    return tmp_path


def check(home: Path, **environment: str) -> str:
    """Return the error for an environment, or an empty string."""
    try:
        check_aws(read_sam_options(home, "default"), {"HOME": str(home), **environment})
    except PreflightError as error:
        return str(error)
    return ""


def test_unreadable_configuration_file_is_error(home: Path) -> None:
    path = home / ".aws" / "credentials"
    path.write_text("aws_access_key_id = AKIDEXAMPLE\n")
    error = check(home, **REGION)
    assert error.startswith(f"{path} is not a configuration file of AWS: ")
    assert "\n" not in error


def test_environment_variables_suffice(home: Path) -> None:
    assert check(home, **KEYS, **REGION) == ""


@pytest.mark.parametrize(
    "settings",
    [
        "aws_access_key_id = AKIDEXAMPLE",
        "sso_session = company",
        "role_arn = arn:aws:iam::123456789012:role/deployer",
        "credential_process = /bin/true",
    ],
)
def test_profile_suffices(home: Path, settings: str) -> None:
    (home / ".aws/config").write_text(f"[default]\nregion = eu-central-1\n{settings}\n")
    assert check(home) == ""


def test_profile_can_be_chosen_in_samconfig(home: Path) -> None:
    (home / "samconfig.toml").write_text('[default.deploy.parameters]\nprofile = "prod"\nregion = "eu-west-1"\n')
    (home / ".aws/credentials").write_text("[prod]\naws_access_key_id = AKIDEXAMPLE\n")
    assert check(home) == ""


def test_profile_has_prefix_in_configuration_file(home: Path) -> None:
    (home / ".aws/config").write_text("[profile prod]\nregion = eu-west-1\nsso_session = company\n")
    assert check(home, AWS_PROFILE="prod") == ""


def test_role_of_instance_gives_credentials(home: Path) -> None:
    check_aws({}, {"HOME": str(home), **REGION}, has_instance_role=True)


def test_unknown_profile_is_error(home: Path) -> None:
    assert check(home, AWS_PROFILE="prod", **KEYS, **REGION) == (
        "the AWS profile 'prod' does not exist; to create it: aws configure --profile prod"
    )


def test_missing_region_is_error(home: Path) -> None:
    assert check(home, **KEYS).startswith("no AWS region is configured; set it, for example: make deploy AWS_DEFAULT")


def test_region_that_sam_does_not_read_is_error(home: Path) -> None:
    assert check(home, AWS_REGION="eu-west-1", **KEYS).endswith("make deploy AWS_DEFAULT_REGION=eu-west-1")


def test_missing_credentials_are_error(home: Path) -> None:
    assert check(home, **REGION).startswith("no AWS credentials are configured; run aws configure")


def test_environment_has_separate_options(home: Path) -> None:
    (home / "samconfig.toml").write_text(
        '[default.global.parameters]\nstack_name = "muster"\n'
        '[prod.global.parameters]\nstack_name = "muster-prod"\nregion = "eu-west-1"\n'
        '[prod.deploy.parameters]\nregion = "eu-central-1"\n'
    )
    assert read_sam_options(home, "default") == {"stack_name": "muster"}
    assert read_sam_options(home, "prod") == {"stack_name": "muster-prod", "region": "eu-central-1"}


@pytest.mark.parametrize("name", ["test", "version"])
def test_unknown_environment_is_error(name: str) -> None:
    with pytest.raises(PreflightError, match=f"no environment '{name}'; it has: default, dev, prod"):
        read_sam_options(ROOT, name)


def test_stack_named_default_is_error() -> None:
    """AWS, CreateEventBus: "You can't use the name ``default`` for a custom event bus"."""
    with pytest.raises(PreflightError, match="a stack cannot be named 'default'"):
        check_stack_name({"stack_name": "default"})
    check_stack_name({"stack_name": "muster"})
    check_stack_name({})


@pytest.mark.parametrize("config", ["default", "dev", "prod"])
def test_environments_of_samconfig_are_complete(config: str) -> None:
    """The SAM CLI takes nothing from another environment."""
    options = read_sam_options(ROOT, config)
    assert options["capabilities"] == "CAPABILITY_IAM"
    assert options["resolve_s3"] is True
    check_stack_name(options)


def test_environments_have_separate_stacks() -> None:
    names = [read_sam_options(ROOT, config)["stack_name"] for config in ("default", "dev", "prod")]
    assert names == ["muster", "muster-dev", "muster-prod"]


@pytest.mark.parametrize("config", ["default", "dev", "prod"])
def test_samconfig_has_valid_parameters(config: str) -> None:
    overrides = read_sam_options(ROOT, config).get("parameter_overrides", "")
    for name, value in (pair.split("=", 1) for pair in overrides.split()):
        parameter = DEPLOYMENT["Parameters"][name]
        assert value in map(str, parameter.get("AllowedValues", [value]))


@pytest.mark.parametrize("config", ["default", "dev", "prod"])
def test_packages_are_built_with_the_parameters_of_the_deployment(config: str) -> None:
    """With parameters of ``sam deploy`` only, packages would be built for another Architecture than the functions'."""
    sections = tomllib.loads((ROOT / "samconfig.toml").read_text())[config]
    assert [name for name, section in sections.items() if "parameter_overrides" in section["parameters"]] in (
        [],
        ["global"],
    )


@pytest.fixture
def checkout(home: Path) -> Path:
    """A checkout in which nothing is installed, with a ``python3.13`` on the ``PATH`` that runs."""
    shutil.copy(ROOT / "Makefile", home)
    (home / "local").mkdir()
    shutil.copy(ROOT / "local/python.sh", home / "local")
    shutil.copytree(ROOT / "deployment", home / "deployment", ignore=shutil.ignore_patterns("__pycache__"))
    write_python(home, "exit 0")
    return home


def write_python(checkout: Path, script: str) -> None:
    python = checkout / "bin/python3.13"
    python.parent.mkdir(exist_ok=True)
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)


def run_make(checkout: Path, target: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables: Mapping[str, str] = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE", "MFLAGS"))
    } | {"HOME": str(checkout), "PATH": f"{checkout / 'bin'}:{os.environ['PATH']}", **environment}
    return subprocess.run(["make", target], cwd=checkout, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("target", ["build", "deploy"])
def test_make_reports_missing_python_first(checkout: Path, target: str) -> None:
    write_python(checkout, "exit 127")
    failed = run_make(checkout, target, **KEYS, **REGION)
    assert failed.returncode == 2
    assert failed.stdout == ""
    assert failed.stderr.startswith(
        "error: the functions are built with python3.13, which is not on the PATH; to get it: uv"
    )
    assert not (checkout / ".venv-sam").exists()


@pytest.mark.parametrize(("environment", "error"), [(KEYS, "no AWS region"), (REGION, "no AWS credentials")])
def test_make_reports_missing_configuration_first(checkout: Path, environment: dict[str, str], error: str) -> None:
    failed = run_make(checkout, "deploy", **environment)
    check_first_line(checkout, failed, f"error: {error} ")


def test_make_reports_unknown_environment_first(checkout: Path) -> None:
    failed = run_make(checkout, "deploy", CONFIG_ENV="staging", **KEYS, **REGION)
    check_first_line(checkout, failed, "error: samconfig.toml has no environment 'staging'; it has: default\n")


def check_first_line(checkout: Path, failed: subprocess.CompletedProcess[str], error: str) -> None:
    assert failed.returncode == 2
    assert failed.stdout == ""
    assert failed.stderr.startswith(error)
    assert failed.stderr.count("\n") == 2  # the second line is make's own
    assert not (checkout / ".venv-sam").exists()
