#!/bin/sh
# Makes a virtual environment with exactly what a lock names: venv.sh DIRECTORY LOCK
# Takes the Python that $PYTHON names, else the first that is new enough.
set -eu

fail() {
    echo "error: $1" >&2
    exit 1
}

find_python() {
    for python in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
}

python=$(find_python)
[ -n "$python" ] || fail "Python 3.11 or newer is needed; if it is not on the PATH: make PYTHON=/path/to/python3"

# Debian's and Ubuntu's Python comes without what fills a virtual environment.
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "this Python can't make virtual environments; install what is missing: apt-get install -y python$version-venv"

echo "Installing $2 into $1, once"
"$python" -m venv --clear "$1"
# A lock names all that is needed, so nothing has to be resolved.
"$1/bin/pip" install -qq --no-compile --disable-pip-version-check --no-deps --require-hashes -r "$2"
touch "$1/installed"
