"""Tests of includes.py."""

import unittest

import includes

KNOWN = {
    "probe/model/plan.hpp",
    "probe/kernel/sock_diag.hpp",
    "probe/judge/judge.hpp",
    "probe/origin/origin.hpp",
    "probe/client/walk.hpp",
    "probe/lab/lab.hpp",
    "probe/run.hpp",
    "probe/event.hpp",
    "web/json/json.hpp",
    "daemon/cli.hpp",
}
GOOD = [
    ("probe/judge/judge.cpp", '#include "probe/judge/judge.hpp"\n#include "probe/model/plan.hpp"'),
    ("probe/origin/server.cpp", '#include "probe/kernel/sock_diag.hpp"\n#include <boost/asio/post.hpp>'),
    ("probe/run.cpp", '#include "probe/run.hpp"\n#include "probe/origin/origin.hpp"'),
    ("probe/kernel/netlink.cpp", "#include <netlink/netlink.h>\n#include <netinet/tcp.h>"),
    ("web/json/json.cpp", '#include "web/json/json.hpp"\n\n#include <nlohmann/json.hpp>'),
    ("probe/client/walk.cpp", '#include "probe/event.hpp"'),
    ("web/routes.cpp", '#include "probe/model/plan.hpp"'),
    ("probe/client/alone.cpp", '#include "probe/kernel/sock_diag.hpp"'),
    ("web/json/read.hpp", "#include <nlohmann/json.hpp>"),
    ("daemon/cli_plan.cpp", "#include <CLI/CLI.hpp>"),
    ("daemon/audits.cpp", '#include "probe/run.hpp"\n#include "web/json/json.hpp"'),
    ("tests/api/schema.cpp", '#include "web/json/json.hpp"\n#include <nlohmann/json.hpp>'),
]
BAD = [
    ("probe/model/plan.hpp", '#include "probe/kernel/sock_diag.hpp"'),
    ("probe/model/plan.hpp", "#include <boost/asio/post.hpp>"),
    ("probe/judge/judge.cpp", '#include "probe/kernel/sock_diag.hpp"'),
    ("probe/kernel/holders.cpp", '#include "probe/judge/judge.hpp"'),
    ("probe/kernel/holders.cpp", '#include "probe/lab/lab.hpp"'),
    ("probe/client/walk.cpp", '#include "probe/origin/origin.hpp"'),
    ("probe/client/walk.cpp", '#include "probe/kernel/sock_diag.hpp"'),
    ("probe/kill/in_client.cpp", '#include "probe/client/walk.hpp"'),
    ("probe/judge/judge.cpp", '#include "probe/event.hpp"'),
    ("probe/event.hpp", '#include "probe/model/plan.hpp"'),
    ("probe/lab/lab.cpp", '#include "probe/run.hpp"'),
    ("probe/lab/lab.cpp", "#include <netlink/netlink.h>"),
    ("probe/run.cpp", '#include "web/json/json.hpp"'),
    ("probe/run.cpp", "#include <nlohmann/json.hpp>"),
    ("probe/run.cpp", '#include "probe/model/plan.hpp"\n#include "probe/run.hpp"'),
    ("web/routes.cpp", '#include "probe/kernel/sock_diag.hpp"'),
    ("web/routes.cpp", '#include "daemon/cli.hpp"'),
    ("web/routes.cpp", "#include <nlohmann/json.hpp>"),
    ("web/json/json.hpp", "#include <nlohmann/json.hpp>"),
    ("daemon/audits.cpp", "#include <CLI/CLI.hpp>"),
    ("daemon/audits.cpp", "#include <nlohmann/json.hpp>"),
    ("daemon/audits.cpp", '#include "cli.hpp"'),
    ("daemon/audits.cpp", "#include <daemon/cli.hpp>"),
    ("daemon/audits.cpp", "#include <asio/post.hpp>"),
    ("daemon/audits.cpp", "#include <doctest/doctest.h>"),
    ("probe/kernel/netlink.cpp", "#include <netlink/netlink.h>\n#include <linux/tcp.h>"),
    ("web/server.hpp", "  #  include <boost/asio.hpp>"),
]


class Includes(unittest.TestCase):
    def test_good(self):
        for path, text in GOOD:
            with self.subTest(path, text=text):
                self.assertEqual([], includes.check(path, text, KNOWN.__contains__))

    def test_bad(self):
        for path, text in BAD:
            with self.subTest(path, text=text):
                self.assertTrue(includes.check(path, text, KNOWN.__contains__), "accepted")


if __name__ == "__main__":
    unittest.main()
