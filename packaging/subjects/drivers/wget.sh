#!/bin/sh
# wget.sh MODE METHOD FRAMING BODY_FILE TIMEOUT_MS URL: one request by wget.
#   timeout       wget takes this process over, with its own timeout and without retries
#   tries         the same with three tries: three connections, one after the other
#   behind_shell  wget runs as this shell's child, without a timeout: a signal to the shell alone
#                 does not reach it
set -eu
mode=$1 method=$2 framing=$3 body_file=$4 timeout_ms=$5 url=$6

set -- --no-config --no-hsts --no-verbose --output-document=/dev/null "--method=$method"
# GnuTLS has no variable for the certificates to trust, as OpenSSL has.
[ -z "${SSL_CERT_FILE:-}" ] || set -- "$@" "--ca-certificate=$SSL_CERT_FILE"
case $framing in
length) set -- "$@" "--body-file=$body_file" ;;
esac
case $mode in
tries) set -- "$@" --tries=3 --waitretry=0 ;;
*) set -- "$@" --tries=1 ;;
esac
if [ "$mode" = behind_shell ]; then
    /usr/bin/wget "$@" --timeout=0 "$url" &
    wait
else
    seconds=$((timeout_ms / 1000)).$(printf '%03d' $((timeout_ms % 1000)))
    exec /usr/bin/wget "$@" --timeout="$seconds" "$url"
fi
