#!/usr/bin/env bash
# packaging/build-deb.sh DIR
# Builds the Debian package from this tree and leaves it in DIR: finwait_*.deb, its debugging symbols,
# .changes and .buildinfo. Fails when lintian finds an error or a warning. Installs what the build needs,
# if it may. The tree itself is not touched: dpkg-buildpackage wants a ./debian, so it gets a copy.
#
# DEB_BUILD_OPTIONS is dpkg's own (`noautodbgsym`, `parallel=4`). CCACHE_DIR is used when ccache is there:
# debhelper would hide it behind a HOME of its own.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname -- "$here")
# shellcheck source=packaging/packages.sh
. "$here/packages.sh"

if [ "$#" != 1 ]; then
    sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
install_missing "${build_packages[@]}" "${deb_packages[@]}"
mkdir -p -- "$1"
out=$(cd -- "$1" && pwd)

# A name that stays the same from build to build, so that a compiler cache is of use.
work=$out/.build
rm -rf -- "$work"
mkdir -- "$work" "$work/finwait"
trap 'rm -rf -- "$work"' EXIT

tar -C "$root" --exclude=./.git --exclude='./build*' --exclude=./.cache --exclude=__pycache__ -cf - . |
    tar -C "$work/finwait" -xf -
cp -a -- "$here/debian" "$work/finwait/debian"
chmod -R go+rX-w "$work/finwait"

version=$(sed -n "s/^  version: '\(.*\)',$/\1/p" "$root/meson.build")
if [ "$(cd -- "$work/finwait" && dpkg-parsechangelog -S Version)" != "$version" ]; then
    say "packaging/debian/changelog does not speak of version $version of meson.build"
    exit 1
fi

if command -v ccache >/dev/null; then
    CCACHE_DIR=${CCACHE_DIR:-$(ccache --get-config cache_dir)}
    export CCACHE_DIR
fi
export DEB_BUILD_OPTIONS=${DEB_BUILD_OPTIONS:-parallel=$(nproc)}
(cd -- "$work/finwait" && dpkg-buildpackage --no-sign --build=binary) || {
    say "the build failed"
    exit 1
}
lintian --fail-on error,warning --display-info --allow-root "$work"/finwait_*.changes || {
    say "lintian has found what must not be"
    exit 1
}
rm -f -- "$out"/finwait_* "$out"/finwait-dbgsym_*
mv -- "$work"/finwait*_* "$out/"
printf '%s\n' "$out"/finwait_*.deb
