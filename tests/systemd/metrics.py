"""What is written about the metrics, against the daemon's own: the rules and the dashboard ask only for
metrics and labels that a running daemon has, in expressions that Prometheus understands; each alert has a
test that fires. Exit 77: promtool (package prometheus) is not installed.

FINWAIT is the program.
"""
import json
import os
import pathlib
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "packaging" / "prometheus" / "finwait.rules.yml"
RULE_TESTS = ROOT / "tests" / "systemd" / "finwait.rules.test.yml"
DASHBOARD = ROOT / "packaging" / "grafana" / "finwait.json"
FINWAIT = os.path.abspath(os.environ.get("FINWAIT", "finwait"))
LIMIT = 120.0
CONFIGURATION = """version = 1
[serve]
unix = ""
[[audits]]
name = "default"
at = ["await_response"]
by = ["close", "abandon"]
every = "1h"
"""
# What Prometheus and Grafana add.
ADDED_LABELS = {"job", "instance"}
ADDED_METRICS = {"up": set()}
VARIABLES = {"$__rate_interval": "5m", "$__range": "1d", "$job": "finwait", "$instance": ".*"}


def promtool(*words, **options):
    return subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, check=False,
                          timeout=LIMIT, **options)


class Daemon:
    """One that has audited, with an address of the kernel's choice."""

    def __init__(self):
        self.home = tempfile.TemporaryDirectory()
        file = pathlib.Path(self.home.name, "finwait.toml")
        file.write_text(CONFIGURATION, encoding="utf-8")
        self.process = subprocess.Popen(
            [FINWAIT, "serve", "--config", file, "--listen", "127.0.0.1:0"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self.home.name,
            env={"PATH": os.environ["PATH"], "XDG_STATE_HOME": self.home.name,
                 "XDG_RUNTIME_DIR": self.home.name})
        self.url = self.line_with("http://127")
        done = subprocess.run([FINWAIT, "status", "--url", self.url, "--wait-for", "pass"],
                              capture_output=True, text=True, timeout=LIMIT, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)

    def line_with(self, text):
        until = time.monotonic() + LIMIT
        seen = b""
        while True:
            found = re.search(rf"{text}[^\s;,]*".encode(), seen)
            if found and b"\n" in seen[found.end():]:
                return found.group().decode()
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stderr], [], [], left)[0]:
                raise AssertionError(f"no address: {seen!r}")
            more = os.read(self.process.stderr.fileno(), 65536)
            if not more:
                raise AssertionError(f"it ended: {seen!r}")
            seen += more

    def metrics(self):
        with urllib.request.urlopen(self.url + "/metrics", timeout=LIMIT) as answer:
            return answer.read().decode()

    def stop(self):
        self.process.terminate()
        self.process.wait(LIMIT)
        self.process.stderr.close()
        self.home.cleanup()


def labels_by_metric(text):
    """The names of a metric's series with those of their labels, as /metrics writes them."""
    found = {}
    for kind, name in ((line.split()[3], line.split()[2]) for line in text.splitlines()
                       if line.startswith("# TYPE ")):
        for suffix in ("_bucket", "_sum", "_count") if kind == "histogram" else ("",):
            found[name + suffix] = set()
    for line in text.splitlines():
        series = re.match(r"([a-z_:]+)(?:\{(.*)\})? ", line)
        if series and not line.startswith("#"):
            found.setdefault(series.group(1), set()).update(re.findall(r'(\w+)="', series.group(2) or ""))
    return found


def rule_blocks():
    """Name, kind and expression of every rule: the one place that reads this YAML, whose form is ours."""
    found = []
    for block in re.split(r"\n\s+- (?=record:|alert:)", RULES.read_text(encoding="utf-8"))[1:]:
        kind, name = re.match(r"(record|alert): (\S+)", block).groups()
        expression = re.search(r"expr: (?:>-\n((?: {10}.*(?:\n|$))+)|(.*))", block)
        found.append((kind, name, " ".join((expression.group(1) or expression.group(2)).split())))
    return found


def dashboard_queries():
    """Every expression of the dashboard, its variables replaced, with where it stands."""
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    found = [(panel["title"], target["expr"]) for panel in board["panels"] for target in panel["targets"]]
    for variable in board["templating"]["list"]:
        query = re.match(r"label_values\((.*), (\w+)\)", variable["query"])
        if query:
            found.append((variable["name"], f"count by ({query.group(2)}) ({query.group(1)})"))
    for name, value in VARIABLES.items():
        found = [(where, expression.replace(name, value)) for where, expression in found]
    return found


def asked_for(expression):
    """(metric, labels) of every selector, and the labels of all groupings."""
    groups = re.findall(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)", expression)
    grouped = {label.strip() for group in groups for label in group.split(",")}
    rest = re.sub(r"\b(?:by|on|without|ignoring)\s*\([^)]*\)", " ", expression)
    selectors = [
        (name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers or "")))
        for name, matchers in re.findall(r"\b((?:finwait|process)_\w+|up)\b(?:\{([^}]*)\})?", rest)]
    return selectors, grouped


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.stop)
        cls.known = {**labels_by_metric(cls.daemon.metrics()), **ADDED_METRICS}

    def check(self, where, expression):
        selectors, grouped = asked_for(expression)
        self.assertTrue(selectors, f"{where}: asks for no metric: {expression}")
        there = set(ADDED_LABELS)
        for name, matched in selectors:
            self.assertIn(name, self.known, where)
            self.assertLessEqual(matched, self.known[name] | ADDED_LABELS, f"{where}: {name}")
            there |= self.known[name]
        self.assertLessEqual(grouped, there, where)

    def test_the_daemons_metrics_are_well_formed(self):
        done = promtool("check", "metrics", input=self.daemon.metrics())
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_the_rules_ask_for_what_there_is(self):
        rules = rule_blocks()
        self.assertGreater(len(rules), 5)
        for _, name, expression in rules:
            with self.subTest(name):
                self.check(name, expression)

    def test_the_dashboard_asks_for_what_there_is(self):
        queries = dashboard_queries()
        self.assertGreater(len(queries), 20)
        for where, expression in queries:
            with self.subTest(where):
                self.check(where, expression)

    def test_nothing_is_forgotten(self):
        """Every metric of our own is in a rule or on the dashboard."""
        used = {name for _, expression in dashboard_queries() + [rule[1:] for rule in rule_blocks()]
                for name, _ in asked_for(expression)[0]}
        families = {re.sub("_(bucket|sum|count)$", "", name) for name in self.known
                    if name.startswith("finwait_")}
        self.assertEqual(families - {re.sub("_bucket$", "", name) for name in used}, set())

    def test_the_manual_has_them(self):
        page = (ROOT / "packaging" / "man" / "finwait-api.7").read_text(encoding="utf-8")
        for name in sorted(self.known):
            if name.startswith("finwait_"):
                with self.subTest(name):
                    self.assertIn(re.sub("_(bucket|sum|count)$", "", name), page)

    def test_prometheus_understands_the_rules(self):
        done = promtool("check", "rules", "--lint-fatal", RULES)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"{len(rule_blocks())} rules found", done.stdout)

    def test_prometheus_understands_the_dashboard(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "queries.yml")
            rules = [{"record": f"query:{number}", "expr": expression}
                     for number, (_, expression) in enumerate(dashboard_queries())]
            groups = {"groups": [{"name": "dashboard", "rules": rules}]}
            file.write_text(json.dumps(groups), encoding="utf-8")  # JSON is YAML
            done = promtool("check", "rules", file)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_each_alert_fires_when_it_should(self):
        text = RULE_TESTS.read_text(encoding="utf-8")
        for kind, name, _ in rule_blocks():
            if kind == "alert":
                cases = re.findall(rf"alertname: {name}(?=[\s,}}])(.*(?:\n\s+exp_alerts)?)", text)
                self.assertTrue(any("exp_alerts" in case for case in cases), f"{name} never fires")
                self.assertTrue(any("exp_alerts" not in case for case in cases), f"{name} always fires")
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(RULES, folder)
            shutil.copy(RULE_TESTS, folder)
            done = promtool("test", "rules", RULE_TESTS.name, cwd=folder)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    if not shutil.which("promtool"):
        print("skipped: promtool is not installed (package prometheus)")
        sys.exit(77)
    unittest.main(verbosity=2)
