"""Format tracebacks for log lines and dead letters, without the error's message, which may contain personal data."""

from __future__ import annotations

import traceback


def format_frames(error: BaseException) -> list[str]:
    """Return the frames of an error's traceback, each as ``file.py:line function``. The innermost frame is the last."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
