"""The packages of the previous release, whose commit ``CHANGELOG.md`` names, and of the next one."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.deployment.emulated.account import ARCHITECTURE
from tests.deployment.emulated.paths import BUILD, ROOT, SAM

_RELEASES = ROOT / ".aws-sam/releases"
_SECTION = re.compile(r"^## \[(\d[^\]]*)\].*?$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def read_commit() -> str:
    """Return the commit of the last version in the changelog."""
    match = _SECTION.search((ROOT / "CHANGELOG.md").read_text())
    assert match, "CHANGELOG.md has no released version"
    commit = re.search(r"commit `([0-9a-f]{7,40})`", match[2])
    assert commit, f"the section {match[1]} of CHANGELOG.md names no commit; write: This version is commit `...`."
    return commit[1]


def build_release() -> Path:
    """Check out the previous release and build it for this machine. Return its directory.

    The directory is kept for later runs, until ``make clean``.
    """
    commit = read_commit()
    directory = _RELEASES / commit
    if (directory / "finished").exists():
        return directory
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    archive = subprocess.run(("git", "archive", commit), cwd=ROOT, capture_output=True)
    assert archive.returncode == 0, (
        f"commit {commit}, the previous release in CHANGELOG.md, is not in this clone; get it: git fetch --unshallow"
    )
    subprocess.run(("tar", "-x", "-C", directory), input=archive.stdout, check=True)
    template = directory / "template.yaml"
    template.write_text(template.read_text().replace("[arm64]", f"[{ARCHITECTURE}]"))  # it has no parameter for it
    build = directory / ".aws-sam/build"
    for command in (
        (SAM / "sam", "build", f"--template={template}", f"--build-dir={build}"),
        ("python3.13", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", build),
    ):
        result = subprocess.run(command, cwd=directory, env=_build_environment(), capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
    (directory / "finished").touch()
    return directory


def build_next_release() -> Path:
    """Return packages that differ from those of this version in one file. CloudFormation publishes them as versions."""
    directory = ROOT / ".aws-sam/releases/next"
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(BUILD, directory, copy_function=os.link)
    for package in (path for path in directory.iterdir() if path.is_dir()):
        (package / "release.txt").write_text("next")
    return directory


def _build_environment() -> dict[str, str]:
    """Return the environment without the settings of the tests, such as those for AWS."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
