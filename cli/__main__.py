"""Run the command line: ``python -m cli``, or ``.venv/bin/muster``."""

from cli.main import muster

if __name__ == "__main__":
    muster(prog_name="muster")
