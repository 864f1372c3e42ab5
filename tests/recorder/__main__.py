"""Compare the responses of the service with those at an earlier commit: ``make compare COMMIT=...``.

The responses of both are recorded (:mod:`tests.recorder.recording`) and compared byte for byte. ``allowed.json`` lists
the intended differences: files, a regular expression, its replacement and the reason. An entry with ``in_both``
replaces text in both recordings, so that texts that may differ, such as those of a page, are not compared.
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
    r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"  # a UUID
    r"|muster_[a-z0-9-]+_[\w-]{43}_[0-9a-f]{32}|[\w.=-]{40,}"  # a token; a cookie, a form token, a cursor
    r"|(?:(?<![0-9a-z])|(?<=%20)|(?<=00u))[0-9a-f]{8}(?![0-9a-z])"  # the suffix of a name in a replayed exchange
)
"""A random value. The set-up of the tests uses the same generator, so fixing its seed is not enough."""


class AllowedDifference(BaseModel):
    """An intended difference: in ``files``, text that matches ``pattern`` changed to ``replacement``.

    If ``in_both`` is true, the text is also replaced in the new recording.
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
        print(f"All recorded responses equal those of {commit}, except {len(allowed)} allowed differences.")
    return 1 if differences else 0


def record(checkout: Path, target: Path) -> None:
    """Record the responses of a checkout."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    subprocess.run(  # our own command
        [sys.executable, "-m", "pytest", "--quiet", "tests/recorder/recording.py"],
        cwd=checkout,
        env=environment | {"RECORD_TO": str(target), "TZ": "UTC", "PYTHONHASHSEED": "0"},
        check=True,
    )


def read_allowed(path: Path) -> list[AllowedDifference]:
    """Return the differences that a file allows."""
    return [AllowedDifference.model_validate(entry) for entry in json.loads(path.read_text("utf-8"))]


def read_recordings(directory: Path) -> dict[str, str]:
    """Return the recordings in a directory by relative path, with random values replaced by numbers."""
    return {
        str(path.relative_to(directory)): number_random_values(path.read_text("utf-8"))
        for path in sorted(directory.rglob("*.txt"))
    }


def number_random_values(text: str) -> str:
    """Replace each random value in a recording by a number, in the order of first occurrence."""
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
