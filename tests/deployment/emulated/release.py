"""The packages of the previous release, whose commit ``CHANGELOG.md`` names."""

import re
import subprocess
from pathlib import Path

from tests.deployment.emulated.account import ARCHITECTURE, EmulatedAccount
from tests.deployment.emulated.paths import ROOT, SAM

_SECTION = re.compile(r"^## \[(\d[^\]]*)\].*?$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def read_commit() -> str:
    """Return the commit of the last version in the changelog."""
    match = _SECTION.search((ROOT / "CHANGELOG.md").read_text())
    commit = re.search(r"commit `([0-9a-f]{7,40})`", match[2]) if match else None
    assert match, "CHANGELOG.md has no released version"
    assert commit, f"the section {match[1]} of CHANGELOG.md names no commit; write: commit `...`"
    return commit[1]


def build_release(account: EmulatedAccount, directory: Path) -> Path:
    """Check out the previous release in an empty directory, build it for this machine, and return the directory."""
    commit = read_commit()
    archive = subprocess.run(("git", "archive", commit), cwd=ROOT, capture_output=True)
    assert archive.returncode == 0, (
        f"commit {commit}, the previous release in CHANGELOG.md, is not in this clone; get it: git fetch --unshallow"
    )
    subprocess.run(("tar", "-x", "-C", directory), input=archive.stdout, check=True)
    template = directory / "template.yaml"
    template.write_text(template.read_text().replace("[arm64]", f"[{ARCHITECTURE}]"))  # it has no parameter for it
    build = directory / ".aws-sam/build"
    account.run(SAM / "sam", "build", f"--template={template}", f"--build-dir={build}", directory=directory)
    account.run("python3.13", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", build)
    return directory
