"""schemathesis sends generated requests to a local run, and checks the responses against docs/build/openapi.yaml.

It follows the links of the document, from a created user to its changes. These tests run in the environment
``.venv-openapi``, without the fixtures of the other tests. The number of requests has a limit.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.judges.local_run import LocalRun, Mode, start_local_run
from tests.size import SIZE_PERCENT, scale

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs/build/openapi.yaml"
EXAMPLES = scale(40)
"""The number of generated requests for each operation in each phase."""

PHASES = "examples,coverage,fuzzing,stateful" if SIZE_PERCENT >= 100 else "examples,fuzzing,stateful"
"""The phase ``coverage`` has a thousand requests, whatever the size is."""

_LIMIT_S = 3_600


@pytest.fixture(scope="module")
def local_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRun]:
    with start_local_run(tmp_path_factory.mktemp("run") / "data") as local_run:
        yield local_run


def run_schemathesis(document: Path, local_run: LocalRun, mode: Mode, *options: str) -> tuple[int, str]:
    """Return the exit code and the output of schemathesis for a new tenant."""
    tenant = local_run.connect(mode)
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        f"--config-file={Path(__file__).parent / 'schemathesis.toml'}",
        "run",
        str(document),
        f"--url={tenant.url}",
        f"--header=Authorization: Bearer {tenant.token}",
        f"--max-examples={EXAMPLES}",
        "--seed=1",
        "--no-shrink",
        *options,
    ]
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.openapi.hooks",
        "SCIM_URL": tenant.url,
        "SCIM_TOKEN": tenant.token,
    }
    process = subprocess.run(  # noqa: S603  # our own command
        command,
        cwd=local_run.data.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    return process.returncode, process.stdout + process.stderr


def test_document_is_openapi() -> None:
    OpenAPIV31SpecValidator(yaml.safe_load(DOCUMENT.read_text("utf-8"))).validate()


@pytest.mark.parametrize("mode", list(Mode))
def test_responses_are_as_documented(mode: Mode, local_run: LocalRun, capsys: pytest.CaptureFixture[str]) -> None:
    exit_code, output = run_schemathesis(DOCUMENT, local_run, mode, f"--phases={PHASES}")
    with capsys.disabled():
        print(f"\n{mode} tenant\n{output.partition('SUMMARY')[2] or output}")
    assert exit_code == 0, output
    paths: dict[str, dict[str, object]] = yaml.safe_load(DOCUMENT.read_text("utf-8"))["paths"]
    operations = sum(len(methods.keys() - {"parameters"}) for methods in paths.values())
    assert int(re.findall(r"Tested: (\d+)", output)[0]) == operations


WRONG = {
    "pattern: '^W/\"": "pattern: '^V/\"",
    "id: {type: string, readOnly: true,": "id: {type: integer, readOnly: true,",
    '"409": {': '"410": {',
}
"""Parts of the document, and what a wrong document has instead."""


def test_wrong_document_fails(local_run: LocalRun, tmp_path: Path) -> None:
    """Each difference between the document and the responses is found."""
    text = DOCUMENT.read_text("utf-8")
    for part, wrong in WRONG.items():
        assert part in text
        text = text.replace(part, wrong)
    document = tmp_path / "openapi.yaml"
    document.write_text(text, "utf-8")
    options = ("--phases=examples", "--include-operation-id=createUser")
    exit_code, output = run_schemathesis(document, local_run, Mode.TOLERANT, *options)
    assert exit_code == 1, output
    assert "Undocumented status code" in output
    assert "Response violates schema" in output
    assert "Response header does not conform to the schema" in output
