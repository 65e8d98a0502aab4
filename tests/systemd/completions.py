"""The completions against the program: every command and every option that `--help` knows is offered, and
nothing else; the words of --at and --by are those of the schema. Each shell is asked as a user would.

Usage: completions.py bash|zsh|fish. FINWAIT is the program. Exit 77: the shell is not installed.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPLETIONS = ROOT / "packaging" / "completions"
FINWAIT = os.path.abspath(os.environ.get("FINWAIT", "finwait"))

BASH = r"""
. /usr/share/bash-completion/bash_completion
. "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=$((${#COMP_LINE}))
compopt() { :; }  # works only while a real completion is under way
_finwait
printf '%s\n' "${COMPREPLY[@]}"
"""

# A shell in a terminal of its own, whose completion adds what it would show to a list.
ZSH = r"""
zmodload zsh/zpty
completions=$1
shift
zpty shell zsh -f -i
say() { zpty -w shell "$1" }
until_marker() { local line; while zpty -r shell line; do [[ $line == *$1* ]] && break; done }
say 'PROMPT=; unsetopt zle_bracketed_paste 2>/dev/null; stty -echo columns 1000'
say "fpath=(${completions:h} \$fpath); autoload -Uz compinit; compinit -u -D"
say 'bindkey "^I" complete-word; zstyle ":completion:*" list-grouped false
zstyle ":completion:*" force-list always; LISTMAX=1000000
compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return $?; fi
    local -a __hits
    builtin compadd -A __hits "$@"
    print -rl -- "<<"${^__hits}">>"
}
null-line() { print "<<<end>>>"; zle kill-whole-line }
compprefuncs=(null-start); null-start() { print "<<<start>>>" }
comppostfuncs=(null-end); null-end() { print "<<<end>>>" }'
say 'print "<<<"ready">>>"'
until_marker '<<<ready>>>'
zpty -w -n shell "$*"$'\t'
until_marker '<<<start>>>'
while zpty -r shell line; do
    [[ $line == *'<<<end>>>'* ]] && break
    [[ $line == *'<<'*'>>'* ]] && print -r -- ${${line##*<<}%%>>*}
done
zpty -d shell
"""


def complete(shell, *words):
    """What is offered for the last of the words."""
    if shell == "bash":
        done = run(["bash", "--norc", "-c", BASH, "bash", COMPLETIONS / "finwait.bash", "finwait", *words])
    elif shell == "zsh":
        done = run(["zsh", "-f", "-c", ZSH, "zsh", COMPLETIONS / "_finwait", "finwait", *words])
    else:
        line = " ".join(["finwait", *words])
        done = run(["fish", "--no-config", "-c",
                    f"source {COMPLETIONS / 'finwait.fish'}; complete --do-complete '{line}'"])
    return {line.split("\t")[0].strip() for line in done.stdout.splitlines()} - {""}


def run(command):
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, timeout=60, check=False,
            stdin=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "HOME": home, "TERM": "dumb", "LC_ALL": "C.UTF-8"})
    if done.stderr.strip():
        raise AssertionError(f"{command[0]} says: {done.stderr}")
    return done


def help_of(*command):
    return subprocess.run([FINWAIT, *command, "--help"], capture_output=True, text=True, check=True).stdout


def options_in(text):
    """The long options of a help, which stand at the beginning of its lines."""
    return set(re.findall(r"^ {2}(?:-\w,)?(--[\w-]+)", text, re.M))


def commands_in(text):
    return re.findall(r"^ {2}(\w+) ", text.partition("Subcommands:")[2], re.M)


class Completions(unittest.TestCase):
    shell = "bash"

    def long_options(self, *words):
        return {word for word in complete(self.shell, *words, "--") if word.startswith("--")}

    def test_the_commands(self):
        commands = commands_in(help_of())
        self.assertIn("audit", commands)
        self.assertEqual(complete(self.shell, "''" if self.shell == "fish" else ""), set(commands))

    def test_the_options_of_each(self):
        self.assertEqual(self.long_options(), options_in(help_of()))
        for command in commands_in(help_of()):
            with self.subTest(command):
                self.assertEqual(self.long_options(command), options_in(help_of(command)))

    def test_the_words(self):
        schema = json.loads((ROOT / "web" / "schemas" / "plan.json").read_text(encoding="utf-8"))
        words = {name: set(schema["properties"][name]["enum"]) for name in ("at", "by")}
        words["by"].discard("cut")  # not there yet
        for command in ("probe", "run", "audit"):
            for name in ("at", "by"):
                with self.subTest(f"{command} --{name}"):
                    offered = complete(self.shell, command, f"--{name}", "")
                    self.assertEqual({word.rstrip(",") for word in offered}, words[name])

    def test_it_goes_on_in_a_list(self):
        offered = complete(self.shell, "audit", "--at", "idle,respo")
        self.assertEqual(
            {word.rpartition(",")[2] for word in offered}, {"response_headers", "response_body"})

    def test_forms(self):
        self.assertEqual(complete(self.shell, "audit", "-o", ""), {"table", "json", "ndjson"})


def main():
    shell = sys.argv.pop(1)
    if not shutil.which(shell):
        print(f"skipped: {shell} is not installed")
        sys.exit(77)
    if shell == "bash" and not os.path.exists("/usr/share/bash-completion/bash_completion"):
        print("skipped: bash-completion is not installed")
        sys.exit(77)
    Completions.shell = shell
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
