"""The error that the local run shows to its user."""


class LocalRunError(Exception):
    """The local run can't start or continue.

    The message is one line that says what to do. It is shown without a traceback.
    """
