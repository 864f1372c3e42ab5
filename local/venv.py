"""Create a virtual environment with exactly the packages of a lock: ``python -m local.venv DIRECTORY LOCK``.

This runs before anything is installed, so it uses only the standard library. It shows its progress, because pip is
silent for up to a minute. The variable ``STEP``, such as ``Step 1 of 3: ``, is printed in front of the first line.
"""

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

_INTERVAL_S = 0.2
_LINE_INTERVAL_S = 10.0
"""The seconds between two lines if the output is not a terminal."""


class ProgressLine:
    """Shows progress: on a terminal, one line that is overwritten; else a new line every ten seconds."""

    def __init__(self, output: IO[str], clock: Callable[[], float] = time.monotonic) -> None:
        """Write to ``output``, a text file or a terminal."""
        self._output = output
        self._clock = clock
        self._is_terminal = output.isatty()
        self._last_time = clock()
        self._last_text = ""

    def show(self, text: str) -> None:
        """Show the current state."""
        now = self._clock()
        if text == self._last_text or (not self._is_terminal and now - self._last_time < _LINE_INTERVAL_S):
            return
        self._output.write(f"\r\033[K  {text}" if self._is_terminal else f"  {text}\n")
        self._output.flush()
        self._last_text, self._last_time = text, now

    def clear(self) -> None:
        """Remove the line from the terminal."""
        if self._is_terminal and self._last_text:
            self._output.write("\r\033[K")
            self._output.flush()


def main(arguments: Sequence[str]) -> int:
    """Create the environment and return the exit code."""
    directory, lock = map(Path, arguments)
    if not all(map(importlib.util.find_spec, ("ensurepip", "venv"))):
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        message = "this Python can't create virtual environments; install the missing package"
        print(f"error: {message}: apt-get install -y {package}", file=sys.stderr)
        return 1
    count = count_packages(lock)
    step = os.environ.get("STEP")
    start = f"{step}installing" if step else "Installing"
    print(f"{start} {count} Python packages into {directory} (only once)", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(directory)], check=True)  # noqa: S603  # our own command
    # A lock lists all dependencies, so pip need not resolve any.
    options = ["--no-compile", "--disable-pip-version-check", "--progress-bar=off", "--no-deps", "--require-hashes"]
    command = [str(directory / "bin/pip"), "install", *options, "-r", str(lock)]
    if install(command, directory, count, ProgressLine(sys.stdout)):
        print(f"error: pip could not install {lock} into {directory}", file=sys.stderr)
        return 1
    (directory / "installed").touch()
    return 0


def count_packages(lock: Path) -> int:
    """Return the number of packages in a lock."""
    return len(re.findall(r"^[\w.-]+==", lock.read_text("utf-8"), re.MULTILINE))


def install(command: Sequence[str], directory: Path, count: int, progress: ProgressLine) -> int:
    """Run pip, show how many of ``count`` packages it has downloaded and installed, and return its exit code.

    The errors and warnings of pip are printed only if it fails.
    """
    previously_installed = _count_installed(directory)
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as pip,  # noqa: S603  # our own command
    ):
        downloaded: list[str] = []
        reader = threading.Thread(target=_collect_downloads, args=(pip.stdout, downloaded))
        reader.start()
        while pip.poll() is None:
            if installed := _count_installed(directory) - previously_installed:
                progress.show(f"{installed} of {count} installed")
            elif downloaded:
                progress.show(f"{len(downloaded)} of {count} downloaded: {downloaded[-1]}")
            time.sleep(_INTERVAL_S)
        reader.join()
        progress.clear()
        if pip.returncode:
            errors.seek(0)
            sys.stderr.write(errors.read())
    return pip.returncode


def _collect_downloads(output: IO[str], downloaded: list[str]) -> None:
    """Append the name of each package that pip starts to download."""
    for line in output:
        if match := re.match(r"Collecting ([\w.-]+)", line):
            downloaded.append(match[1])  # noqa: PERF401  # install() reads the list while it grows


def _count_installed(directory: Path) -> int:
    return sum(1 for _ in directory.glob("lib/python3*/site-packages/*.dist-info"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
