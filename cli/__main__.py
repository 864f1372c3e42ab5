"""Run the command line: ``python -m cli``, or ``.venv/bin/muster``."""

import signal


def main() -> None:
    """Run the command line. Until its modules are imported, Ctrl-C ends the process without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from cli.main import muster

    signal.signal(signal.SIGINT, signal.default_int_handler)
    muster(prog_name="muster")


if __name__ == "__main__":
    main()
