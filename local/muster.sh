#!/bin/sh
# Runs the command line from any directory, also through symbolic links. make installs this script as .venv/bin/muster.
script=$0
while target=$(readlink "$script"); do
    case $target in
        /*) script=$target ;;
        *) script=${script%/*}/$target ;;
    esac
done
root=${script%/*}/../..
PYTHONPATH="$root/src:$root" exec "$root/.venv/bin/python" -m cli "$@"
