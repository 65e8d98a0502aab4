#!/bin/sh
# curl.sh MODE METHOD FRAMING BODY_FILE TIMEOUT_MS URL: one request by curl.
#   max_time      curl takes this process over, with its own timeout
#   behind_shell  curl runs as this shell's child, without a timeout: a signal to the shell alone
#                 does not reach it
set -eu
mode=$1 method=$2 framing=$3 body_file=$4 timeout_ms=$5 url=$6

# -q: no ~/.curlrc. Expect: off, so that a body follows its head at once.
set -- -q --silent --show-error --output /dev/null --header Expect:
case $method in
HEAD) set -- "$@" --head ;;
*) set -- "$@" --request "$method" ;;
esac
case $framing in
length) set -- "$@" --data-binary "@$body_file" ;;
chunked) set -- "$@" --header 'Transfer-Encoding: chunked' --data-binary "@$body_file" ;;
esac
if [ "$mode" = behind_shell ]; then
    /usr/bin/curl "$@" "$url" &
    wait
else
    seconds=$((timeout_ms / 1000)).$(printf '%03d' $((timeout_ms % 1000)))
    exec /usr/bin/curl "$@" --max-time "$seconds" "$url"
fi
