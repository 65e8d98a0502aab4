# Completion of finwait(1) for fish. tests/systemd/completions.py holds it against `finwait --help`.

set -l commands audit diff export probe reports run serve show status worker
set -l points resolve connect connected tls_handshake request_headers request_body expect_continue \
    await_response response_headers response_body idle idle_peer_closed tls_shutdown
set -l methods throw cancel deadline close shutdown_close reset abandon inherit sigint sigterm sigkill exit \
    stop sock_destroy peer_close peer_reset peer_silent own

function __finwait_command
    # The command of the line, when it is one of these.
    set -l words (commandline -opc)
    for word in $words[2..]
        if not string match -q -- '-*' $word
            contains -- $word $argv
            return
        end
    end
    test (count $argv) = 0
end

function __finwait_subjects
    printf '%s\n' beast all
    for file in /usr/share/finwait/subjects/*.toml /etc/finwait/subjects/*.toml
        string replace -r '.*/(.*)[.]toml$' '$1' -- $file
    end
end

complete -c finwait -f
complete -c finwait -s h -l help -d 'Print help and exit'
complete -c finwait -n __finwait_command -l version -d 'Print the version and exit'
complete -c finwait -n __finwait_command -a audit -d 'Kill requests at every point, in every way, and judge'
complete -c finwait -n __finwait_command -a diff -d 'What has changed from one audit to another'
complete -c finwait -n __finwait_command -a export -d 'The whole history, as NDJSON'
complete -c finwait -n __finwait_command -a probe -d 'One probe, its timeline and why'
complete -c finwait -n __finwait_command -a reports -d 'What the history has'
complete -c finwait -n __finwait_command -a run -d "Kill another program's HTTP request, and judge"
complete -c finwait -n __finwait_command -a serve -d 'The daemon'
complete -c finwait -n __finwait_command -a show -d 'An audit or a report of the history'
complete -c finwait -n __finwait_command -a status -d 'Ask the daemon how it is'
complete -c finwait -n __finwait_command -a worker -d 'Plans in, reports out'

set -l all '__finwait_command audit probe run status reports show diff'
complete -c finwait -n $all -s o -l output -x -a 'table json ndjson' -d 'Form of the output'
complete -c finwait -n "$all serve" -l color -x -a 'auto always never' -d 'When to colour'

set -l plan '__finwait_command audit probe run'
complete -c finwait -n '__finwait_command audit' -l at -x -a "(__fish_complete_list , 'printf %s\\\\n $points')" -d 'Where in the exchange it dies'
complete -c finwait -n '__finwait_command audit' -l by -x -a "(__fish_complete_list , 'printf %s\\\\n $methods')" -d 'How it dies'
complete -c finwait -n '__finwait_command probe run reports' -l at -x -a "$points" -d 'Where in the exchange it dies'
complete -c finwait -n '__finwait_command probe run reports' -l by -x -a "$methods" -d 'How it dies'
complete -c finwait -n '__finwait_command audit probe reports' -l subject -x -a '(__fish_complete_list , __finwait_subjects)' -d 'Whose client'
complete -c finwait -n $plan -l request -x -a 'none length: chunked:' -d 'Body of the request'
complete -c finwait -n $plan -l response -x -a 'length: chunked: until_close:' -d 'Body of the response'
complete -c finwait -n $plan -l method -x -a 'GET HEAD POST PUT PATCH DELETE' -d 'Request method'
complete -c finwait -n "$plan reports" -l target -x -d 'A server of your own'
complete -c finwait -n $plan -l ca -r -F -d 'Certificates that it is verified with'
complete -c finwait -n $plan -l tls-min -x -a '1.2 1.3' -d 'The least TLS to speak with it'
complete -c finwait -n $plan -l position -x -d 'How far through the body to die, 0 to 1'
complete -c finwait -n $plan -l after -x -a 'close answer reset stall' -d 'What the origin does then'
complete -c finwait -n $plan -l to -x -a 'leader group' -d 'Who gets a signal'
complete -c finwait -n $plan -l tls -d HTTPS
complete -c finwait -n $plan -l ipv6 -d 'Over [::1]'
complete -c finwait -n $plan -l unread -d 'Leave received bytes unread'
complete -c finwait -n $plan -l blocked -d 'Behind a full receive window'

complete -c finwait -n '__finwait_command audit' -l repeat -x -d 'How often each cell'
complete -c finwait -n '__finwait_command audit' -l jobs -x -d 'Workers in parallel'
complete -c finwait -n '__finwait_command audit worker' -l in-flight -x -d 'Probes at once in a worker'
complete -c finwait -n '__finwait_command audit' -l junit -r -F -d 'Also write JUnit XML'
complete -c finwait -n '__finwait_command audit' -l daemon -d 'Let the daemon do it'
complete -c finwait -n '__finwait_command audit' -l name -x -d 'An audit of the configuration'
complete -c finwait -n '__finwait_command audit' -l retry -x -d 'How often to try again'

set -l asking '__finwait_command status reports show diff export'
complete -c finwait -n "$asking audit" -l socket -r -F -d "The daemon's Unix socket"
complete -c finwait -n $asking -l url -x -d 'Where the daemon listens'
complete -c finwait -n '__finwait_command reports show diff export' -l history -r -F -d 'Read this file, without a daemon'
complete -c finwait -n '__finwait_command reports' -l audit -x -d 'Only of this audit'
complete -c finwait -n '__finwait_command reports' -l verdict -x -a 'released draining held leaked unverified' -d 'Only with this verdict'
complete -c finwait -n '__finwait_command reports' -l as-expected -x -a 'no yes' -d 'Only what is, or is not'
complete -c finwait -n '__finwait_command reports' -l limit -x -d 'At most so many'
complete -c finwait -n '__finwait_command status' -l wait-for -x -a pass -d 'Wait for this status'
complete -c finwait -n '__finwait_command status' -l timeout -x -d 'How long to wait'
complete -c finwait -n '__finwait_command status' -l watch -d 'Go on'

complete -c finwait -n '__finwait_command run' -s n -l requests -x -d 'Requests that it makes'
complete -c finwait -n '__finwait_command run' -l hold -x -d 'The line that says that its cleanup is done'
complete -c finwait -n '__finwait_command run' -l release-hold -x -d 'The line it is sent to go on after that'
complete -c finwait -n '__finwait_command run' -l settle -x -d 'When one that lives on is looked at'
complete -c finwait -n '__finwait_command run' -l timeout -x -d 'For its requests to arrive and stall'
complete -c finwait -n '__finwait_command run' -l own-timeout -x -d 'Its own timeout'
complete -c finwait -n '__finwait_command run' -l cwd -x -a '(__fish_complete_directories)' -d 'The directory to start it in'
complete -c finwait -n '__finwait_command run' -l env -x -d 'A variable of its environment'

complete -c finwait -n '__finwait_command serve' -l config -r -F -d 'The configuration'
complete -c finwait -n '__finwait_command serve' -l check-config -d 'Only check it'
complete -c finwait -n '__finwait_command serve' -l print-config -d 'Print what is in force'
complete -c finwait -n '__finwait_command serve' -l listen -x -d 'Loopback address and port'
complete -c finwait -n '__finwait_command serve' -l every -x -d 'From the end of an audit to the next'

complete -c finwait -n '__finwait_command worker' -l shared -d 'One namespace for all'
complete -c finwait -n '__finwait_command worker' -l host -d "In the host's own network"
complete -c finwait -n '__finwait_command worker' -l environment -d 'First say what can be done here'
