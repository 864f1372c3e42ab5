"""The error that the local run shows to the user."""


class LocalRunError(Exception):
    """The local run can't start or continue.

    The message is one line that explains the problem and what to do. It is shown without a traceback.
    """
