#!/bin/sh
# Sends an agent back to work while the tests fail.
#
#   tests-before-stop.sh COMMAND [ARG…]
#
# For Stop. The tests are what the agent wrote, and a hook runs outside of its sandbox: so they are run in one of their
# own (`palisade run --profile shell`), without network and without your files. Once only: an agent that was sent back and
# stops again may.
set -u

[ $# -gt 0 ] || { echo "tests-before-stop.sh: no command for the tests was given" >&2; exit 2; }
told=$(head -c 1000000) || exit 2
field() { printf '%s' "$told" | python3 -c 'import json, sys; print(json.load(sys.stdin).get(sys.argv[1], ""))' "$1"; }
again=$(field stop_hook_active) || { echo "tests-before-stop.sh: the event cannot be read" >&2; exit 2; }
[ "$again" != True ] || exit 0
folder=$(field cwd)
cd -- "${folder:-.}" || { echo "tests-before-stop.sh: the folder is not there" >&2; exit 2; }
command -v palisade >/dev/null || { echo "tests-before-stop.sh: palisade is not in PATH" >&2; exit 2; }
# A hook of a session may start another one.
unset PALISADE_HOOK
said=$(palisade run --quiet --profile shell -- "$@" 2>&1) && exit 0
code=$?
{
    echo "the tests fail (exit $code): $*"
    printf '%s\n' "$said" | tail -n 40 | cut -c 1-500
} >&2
exit 2
