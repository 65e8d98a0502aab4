# shellcheck shell=bash
# Debian packages: what is missing, and how it gets here. Sourced by packaging/run and tests/run.
# Everything it says goes to standard error: standard output belongs to the caller.

say() { printf 'finwait: %s\n' "$*" >&2; }

# The packages among its arguments that are not installed, one per line. Needs no right.
missing_packages() {
    local installed
    # A name dpkg does not know makes dpkg-query fail but not stop: the others are still listed.
    installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
    local package
    for package in "$@"; do
        grep -qx -- "$package installed" <<<"$installed" || printf '%s\n' "$package"
    done
}

# Runs a command as root; fails where that cannot be.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        return 1
    fi
}

# Installs what is missing of its arguments. Silent and without any right when nothing is.
# Exits with 2 and the exact command line where it may not.
install_missing() {
    if ! command -v dpkg-query >/dev/null; then
        say "this is not a Debian system: install the equivalents of: $*"
        return 0
    fi
    local missing
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0

    local cure="apt-get install --no-install-recommends ${missing[*]}"
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        say "packages are missing and only root can install them; as root: $cure"
        exit 2
    fi
    say "installing ${missing[*]}"
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
    if ! { as_root "${apt[@]}" update &&
        as_root "${apt[@]}" install --yes --no-install-recommends "${missing[@]}"; } >&2 </dev/null
    then
        say "the installation failed; by hand, as root: apt-get update && $cure"
        exit 2
    fi
}

# What a build of the program needs; why each is there stands in README.md.
# shellcheck disable=SC2034  # used by those who source this
build_packages=(
    g++ meson ninja-build pkgconf
    libboost1.81-dev libboost-url1.81-dev nlohmann-json3-dev libnl-3-dev libssl-dev
    libcli11-dev libfmt-dev libre2-dev libsqlite3-dev libtomlplusplus-dev
)

# What a Debian package of it needs besides (packaging/build-deb.sh).
# shellcheck disable=SC2034
deb_packages=(build-essential debhelper dpkg-dev fakeroot lintian)
