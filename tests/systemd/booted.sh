#!/usr/bin/env bash
# tests/systemd/booted.sh PROGRAM.py [ARG…]
# Runs a program of tests/systemd/booted inside a freshly booted systemd, beside the Debian package that
# the environment's FINWAIT_DEB names (packaging/build-deb.sh makes one). Exit 77: skipped.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
if [ ! -f "${FINWAIT_DEB-}" ]; then
    echo "skipped: FINWAIT_DEB names no package; packaging/build-deb.sh DIR makes one"
    exit 77
fi

stage=$(mktemp -d)
trap 'rm -rf -- "$stage"' EXIT
tests=$stage/opt/finwait-tests
mkdir -p -- "$tests/tree"
cp -- "$here"/booted/*.py "$tests/"
cp -a -- "$here"/../../packaging/debian "$tests/tree/" # for autopkgtest
cp -- "$FINWAIT_DEB" "$tests/finwait.deb"
cp -- "$here"/../../packaging/systemd/examples/* "$tests/"
chmod -R u=rwX,go=rX "$stage"
program=$1
shift
"$here/../with-systemd.sh" -d "$stage" -- \
    /usr/bin/env PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "/opt/finwait-tests/$program" "$@"
