"""Compare what the service answers now with what it answered at a commit: ``make compare COMMIT=...``.

Both are recorded (:mod:`tests.recorder.recording`) and compared byte for byte. Differences that are intended stand in
``allowed.json``: each has the files, a regular expression, what takes its place, and the reason. An entry with
``in_both`` replaces text in both recordings, so that texts that may differ, such as those of a page, are not compared.
"""

import difflib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel, ConfigDict

_ROOT = Path(__file__).parents[2]
_SHOWN_LINES = 200
_RANDOM_VALUE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"  # an id
    r"|muster_[a-z0-9-]+_[\w-]{43}_[0-9a-f]{32}|[\w.=-]{40,}"  # a token; a cookie, a form's token, a cursor
    r"|(?:(?<![0-9a-z])|(?<=%20)|(?<=00u))[0-9a-f]{8}(?![0-9a-z])"  # the suffix of a name in a replayed exchange
)
"""A value that depends on the random generator, which the preparation of the tests uses too."""


class AllowedDifference(BaseModel):
    """A difference that is intended: what ``pattern`` matched in ``files`` reads ``replacement`` now.

    If ``in_both``, the replacement is made in the new recording, too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: str
    pattern: str
    replacement: str
    reason: str
    in_both: bool = False


def main(commit: str) -> int:
    """Print the differences; return the exit code."""
    allowed = read_allowed(Path(__file__).parent / "allowed.json")
    with TemporaryDirectory() as directory:
        base, now = Path(directory) / "base", Path(directory) / "now"
        checkout = Path(directory) / "checkout"
        _git("worktree", "add", "--quiet", "--detach", str(checkout), commit)
        try:
            record(checkout, base)
        finally:
            _git("worktree", "remove", "--force", str(checkout))
        record(_ROOT, now)
        differences = list(compare(read_recordings(base), read_recordings(now), allowed))
    for line in differences[:_SHOWN_LINES]:
        print(line)
    if not differences:
        print(f"Every recorded answer is that of {commit}, but for {len(allowed)} allowed differences.")
    return 1 if differences else 0


def record(checkout: Path, target: Path) -> None:
    """Record the answers of a checkout."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    subprocess.run(  # our own command
        [sys.executable, "-m", "pytest", "--quiet", "tests/recorder/recording.py"],
        cwd=checkout,
        env=environment | {"RECORD_TO": str(target), "TZ": "UTC", "PYTHONHASHSEED": "0"},
        check=True,
    )


def read_allowed(path: Path) -> list[AllowedDifference]:
    """Return the differences that a file allows."""
    return [AllowedDifference.model_validate(each) for each in json.loads(path.read_text("utf-8"))]


def read_recordings(directory: Path) -> dict[str, str]:
    """Return the recordings in a directory by their path in it, with numbers in place of random values."""
    return {
        str(path.relative_to(directory)): number_random_values(path.read_text("utf-8"))
        for path in sorted(directory.rglob("*.txt"))
    }


def number_random_values(text: str) -> str:
    """Return a recording in which each random value is replaced by a number, in the order of first occurrence."""
    numbers: dict[str, int] = {}
    return _RANDOM_VALUE.sub(lambda match: f"<random {numbers.setdefault(match[0], len(numbers) + 1)}>", text)


def compare(base: dict[str, str], now: dict[str, str], allowed: list[AllowedDifference]) -> Iterator[str]:
    """Yield the lines of a unified diff, and each allowed difference that does not occur."""
    used: set[AllowedDifference] = set()
    for name in sorted(base.keys() | now.keys()):
        expected, actual = base.get(name, ""), now.get(name, "")
        for difference in allowed:
            if fnmatch(name, difference.files):
                expected, number = re.subn(difference.pattern, difference.replacement, expected)
                used |= {difference} if number else set()
                if difference.in_both:
                    actual = re.sub(difference.pattern, difference.replacement, actual)
        yield from difflib.unified_diff(
            expected.splitlines(), actual.splitlines(), f"base/{name}", f"now/{name}", lineterm="", n=1
        )
    for difference in allowed:
        if difference not in used:
            yield f"The allowed difference {difference.pattern!r} in {difference.files} does not occur: remove it."


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=_ROOT, check=True)  # noqa: S603, S607  # our own command


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
