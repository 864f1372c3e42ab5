"""Where in the code an error was raised, for log lines and dead letters: without its message, which may hold data."""

from __future__ import annotations

import traceback


def format_frames(error: BaseException) -> list[str]:
    """Return the frames of an error's traceback, each as ``file.py:line function``, the innermost last."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
