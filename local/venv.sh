#!/bin/sh
# Creates a virtual environment with exactly the packages of a lock: venv.sh DIRECTORY LOCK
exec sh "${0%/*}/python.sh" -m local.venv "$1" "$2"
