#!/bin/sh
# Runs the command line from any directory. make installs this script as .venv/bin/muster.
root=${0%/*}/../..
PYTHONPATH="$root/src:$root" exec "$root/.venv/bin/python" -m cli "$@"
