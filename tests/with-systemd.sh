#!/usr/bin/env bash
# tests/with-systemd.sh [-d STAGEDIR] [-o OUTDIR] -- CMD [ARG…]
# Boots a real systemd in a container (systemd-nspawn) over a copy-on-write view of this machine's
# own /, runs CMD in it as root when basic.target is up, and powers it off. Takes a third of a second.
# What CMD wrote comes out here; nothing else does, and nothing is left: no process, mount or cgroup.
#
#   -d STAGEDIR  its content is copied onto / inside, before CMD runs; must be 0755 (its mode becomes
#                that of /). Inside, /tmp is empty, so this is the way to bring in what was built there.
#   -o OUTDIR    is /run/out inside and stays; CMD's output is OUTDIR/log
#
# Exit status: CMD's own; 127 CMD is missing; 255 a signal killed it; 124 it took longer than
# WITH_SYSTEMD_TIMEOUT seconds (default 300); 77 with the line "skipped: …" where it cannot be done.
#
# The container has a network of its own, with lo only, and never the right to set the clock or to load
# modules: neither has a namespace, so both would change this machine.
set -euo pipefail

skip() {
    echo "skipped: $*"
    exit 77
}

usage() {
    sed -n 's/^# \{0,1\}//; 2,/^set/p' "${BASH_SOURCE[0]}" | sed '/^set/,$d' >&2
    exit 2
}

STAGE='' OUT=''
while getopts d:o: option; do
    case $option in
    d) STAGE=$(realpath -e -- "$OPTARG") || exit 2 ;;
    o) OUT=$(realpath -e -- "$OPTARG") || exit 2 ;;
    *) usage ;;
    esac
done
shift "$((OPTIND - 1))"
[ "$#" -gt 0 ] || usage
if [ -n "$STAGE" ] && [ "$(stat -c %a -- "$STAGE")" != 755 ]; then
    echo "with-systemd.sh: $STAGE has mode $(stat -c %a -- "$STAGE"), which / would get: make it 0755" >&2
    exit 2
fi

[ "$(id -u)" = 0 ] || skip "only root can boot a container"
for program in systemd-nspawn unshare timeout; do
    command -v "$program" >/dev/null || skip "$program is not installed (package systemd-container)"
done
[ -x /lib/systemd/systemd ] || skip "systemd is not installed"

# On a machine that runs systemd the cgroup is systemd's to give.
if [ -d /run/systemd/system ] && [ -z "${WITH_SYSTEMD_SCOPE-}" ]; then
    export WITH_SYSTEMD_SCOPE=1
    exec systemd-run --scope --quiet -p Delegate=yes -- "${BASH_SOURCE[0]}" \
        ${STAGE:+-d "$STAGE"} ${OUT:+-o "$OUT"} -- "$@"
fi

# A cgroup of its own: --keep-unit puts the payload into the current one, which boots at the same time
# would share. systemd-nspawn mirrors it in the v1 hierarchy "systemd" where there is one.
hierarchy=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$hierarchy" ] || skip "there is no cgroup2 hierarchy"
mirror=$(awk '$3 == "cgroup" && $4 ~ /(^|,)name=systemd(,|$)/ { print $2; exit }' /proc/mounts)
own=$(sed -n 's/^0:://p' /proc/self/cgroup)
W=$(mktemp -d -t with-systemd.XXXXXX)
CG=$hierarchy${own%/}/$(basename -- "$W")
MIRROR=${mirror:+$mirror${own%/}/$(basename -- "$W")}
# shellcheck disable=SC2317  # called by the trap
clean() {
    local each
    for each in "$CG" $MIRROR; do
        [ ! -d "$each" ] || find "$each" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
    rm -rf -- "$W"
}
trap clean EXIT
mkdir -- "$CG" 2>/dev/null || skip "no cgroup can be made in $hierarchy"
chmod 755 "$W"
mkdir "$W/root" "$W/units"
[ -n "$OUT" ] || { OUT=$W/out && mkdir "$OUT"; }

{
    echo '#!/bin/bash'
    [ -z "$STAGE" ] || echo 'cp -a /run/stage/. / && systemctl daemon-reload || exit 126'
    printf 'exec'
    printf ' %q' "$@"
    echo
} >"$W/units/cmd"
chmod 755 "$W/units/cmd"

# The exit status travels as the container's: FailureActionExitStatus= is the main process's unless set
# (systemd.unit(5)).
limit=${WITH_SYSTEMD_TIMEOUT:-300}
cat >"$W/units/with-systemd.service" <<END
[Unit]
Requires=basic.target
After=basic.target
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=/run/cmd.d/cmd
StandardOutput=append:/run/out/log
StandardError=append:/run/out/log
END

export W CG OUT STAGE
# 252 refuses --directory=/, hence the bind mount, which dies with its mount namespace. Of the ways to
# be volatile only `overlay` boots this root. CAP_BPF is for IPAddressDeny=, which does nothing and says
# nothing without it. Never --capability=all: CAP_SYS_TIME has no namespace.
# shellcheck disable=SC2016  # expanded by the inner shell
inside='
    echo $$ >"$CG/cgroup.procs"
    mount --bind / "$W/root"
    exec systemd-nspawn -q --boot --directory="$W/root" --volatile=overlay --private-network \
        --register=no --keep-unit --machine="ws-$$" --console=read-only --link-journal=no \
        --capability=CAP_BPF,CAP_PERFMON --system-call-filter="bpf pidfd_getfd" \
        --drop-capability=CAP_SYS_TIME,CAP_SYS_MODULE,CAP_SYS_RAWIO,CAP_SYSLOG \
        --bind-ro="$W/units:/run/cmd.d" --bind="$OUT:/run/out" \
        ${STAGE:+--bind-ro="$STAGE:/run/stage"} \
        --bind-ro="$W/units/with-systemd.service:/run/systemd/system/with-systemd.service" \
        systemd.unit=with-systemd.service systemd.show_status=no'
status=0
SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 timeout -k 5 "$limit" \
    unshare -m --propagation private bash -euc "$inside" >"$W/console" 2>&1 </dev/null || status=$?

if [ -f "$OUT/log" ]; then cat -- "$OUT/log"; fi
if [ "$status" != 0 ] && [ ! -s "$OUT/log" ]; then
    echo "with-systemd.sh: exit status $status and no output; the end of the console:" >&2
    tail -n 20 -- "$W/console" >&2
fi
exit "$status"
