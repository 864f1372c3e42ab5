"""``python -m cli``, which ``.venv/bin/muster`` runs."""

from cli.main import muster

if __name__ == "__main__":
    muster(prog_name="muster")
