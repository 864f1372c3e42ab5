#!/bin/sh
# Runs a program with a Python that is new enough, before a virtual environment exists: python.sh ARGUMENTS
# It is the Python that $PYTHON names, else the first on the PATH.
set -eu

for python in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        exec "$python" "$@"
    fi
done
echo "error: Python 3.11 or newer is needed; if it is not on the PATH: make PYTHON=/path/to/python3" >&2
exit 1
