# Completion of finwait(1) for bash; wants the package bash-completion.
# tests/systemd/completions.py holds it against `finwait --help`.

_finwait_points="resolve connect connected tls_handshake request_headers request_body expect_continue
    await_response response_headers response_body idle idle_peer_closed tls_shutdown"
_finwait_methods="throw cancel deadline close shutdown_close reset abandon inherit sigint sigterm sigkill
    exit stop sock_destroy peer_close peer_reset peer_silent own"
_finwait_plan="--at --by --request --response --method --target --ca --tls-min --position --after --to --tls
    --ipv6 --unread --blocked"
_finwait_output="--help --output --color"
_finwait_place="--socket --url"

# The options of a command. One list for each, so that one that is missing is easy to see.
_finwait_options() {
    case $1 in
    audit) echo "$_finwait_output $_finwait_plan --subject --repeat --jobs --in-flight --junit --daemon
        --name --socket --retry" ;;
    probe) echo "$_finwait_output $_finwait_plan --subject" ;;
    run) echo "$_finwait_output $_finwait_plan --requests --hold --release-hold --settle --timeout
        --own-timeout --cwd --env" ;;
    serve) echo "--help --color --config --check-config --print-config --listen --every" ;;
    status) echo "$_finwait_output $_finwait_place --wait-for --timeout --watch" ;;
    reports) echo "$_finwait_output $_finwait_place --history --audit --at --by --subject --target --verdict
        --as-expected --limit" ;;
    show | diff) echo "$_finwait_output $_finwait_place --history" ;;
    export) echo "--help $_finwait_place --history" ;;
    worker) echo "--help --in-flight --shared --host --environment" ;;
    *) echo "--help --version" ;;
    esac
}

# The last word of a list a,b,c.
_finwait_list() {
    local before=
    [[ $cur != *,* ]] || before=${cur%,*},
    mapfile -t COMPREPLY < <(compgen -P "$before" -W "$1" -- "${cur##*,}")
    compopt -o nospace
}

_finwait_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }

_finwait_subjects() {
    local file names='beast all'
    for file in /usr/share/finwait/subjects/*.toml /etc/finwait/subjects/*.toml; do
        [[ ! -e $file ]] || names+=" $(basename -- "$file" .toml)"
    done
    echo "$names"
}

# The value of an option. Fails when there is none to offer.
_finwait_value() {
    local many=_finwait_words
    [[ $command != audit ]] || many=_finwait_list
    case $1 in
    --at) "$many" "$_finwait_points" ;;
    --by) "$many" "$_finwait_methods" ;;
    --verdict) _finwait_words "released draining held leaked unverified" ;;
    --as-expected) _finwait_words "no yes" ;;
    --subject) _finwait_list "$(_finwait_subjects)" ;;
    --output | -o) _finwait_words "table json ndjson" ;;
    --color) _finwait_words "auto always never" ;;
    --after) _finwait_words "close answer reset stall" ;;
    --to) _finwait_words "leader group" ;;
    --tls-min) _finwait_words "1.2 1.3" ;;
    --request) _finwait_words "none length: chunked:" && compopt -o nospace ;;
    --response) _finwait_words "length: chunked: until_close:" && compopt -o nospace ;;
    --method) _finwait_words "GET HEAD POST PUT PATCH DELETE" ;;
    --wait-for) _finwait_words "pass" ;;
    --ca | --junit | --config | --history | --socket) _filedir ;;
    --cwd) _filedir -d ;;
    --target) [[ $command == reports ]] || _finwait_words "http:// https://" && compopt -o nospace ;;
    --url) _finwait_words "http:// https://" && compopt -o nospace ;;
    --repeat | --retry | --jobs | --in-flight | --name | --position | --requests | -n | --hold | --release-hold | \
        --audit | --limit | --settle | --timeout | --own-timeout | --env | --listen | --every) ;;
    *) return 1 ;;
    esac
}

_finwait() {
    local cur prev words cword split
    _init_completion -s -n : || return
    local commands="audit diff export probe reports run serve show status worker"
    local command='' index
    for ((index = 1; index < cword; index++)); do
        if [[ ${words[index]} != -* ]]; then
            command=${words[index]}
            break
        fi
    done
    if [[ $command == run ]]; then # what stands behind -- is another program's command line
        for ((index = 2; index < cword; index++)); do
            if [[ ${words[index]} == -- ]]; then
                _command_offset $((index + 1))
                return
            fi
        done
    fi
    _finwait_value "$prev" && return
    if [[ $cur == -* ]]; then
        _finwait_words "$(_finwait_options "$command")"
    elif [[ -z $command ]]; then
        _finwait_words "$commands"
    fi
} && complete -F _finwait finwait
