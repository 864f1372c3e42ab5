"""Paths of this repository."""

from pathlib import Path

ROOT = Path(__file__).parents[3]
BUILD = ROOT / ".aws-sam/local/build"
"""The packages for the architecture of this machine, which ``make e2e`` builds."""
SAM = ROOT / ".venv-sam/bin"
