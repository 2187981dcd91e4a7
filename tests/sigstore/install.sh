#!/bin/sh
# Installs what tests/sigstore/verify.py needs, at the versions of requirements.txt.
#
#   install.sh [DIR]          DIR: target/sigstore
#
# Needs python3 with pip; PyPI is the only network it uses. Only built packages are taken, so that
# nothing of theirs runs while they are installed. Runs again without work when the versions are there.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
dir=${1:-$here/../../target/sigstore}
mkdir -p "$dir"
dir=$(CDPATH='' cd -- "$dir" && pwd)
! cmp -s "$here/requirements.txt" "$dir/installed.txt" || exit 0
python=/usr/bin/python3
[ -x "$python" ] || python=python3
"$python" -m pip --version >/dev/null 2>&1 || python=python3
# For the python3 that tests run, whichever has pip here.
abi=$(/usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin python3 -c \
    'import sys; print("%d.%d" % sys.version_info[:2])')
"$python" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --upgrade \
    --only-binary=:all: --python-version "$abi" --target "$dir" -r "$here/requirements.txt" >&2
chmod -R a+rX "$dir"
cp "$here/requirements.txt" "$dir/installed.txt"
