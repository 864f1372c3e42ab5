#!/bin/sh
# The command line, from wherever it is called; make puts this into .venv/bin.
root=${0%/*}/../..
PYTHONPATH="$root/src:$root" exec "$root/.venv/bin/python" -m cli "$@"
