"""The one kind of failure that the local run explains itself."""


class LocalRunError(Exception):
    """What keeps the local run from going on: one line, with what to do about it. It is shown without a traceback."""
