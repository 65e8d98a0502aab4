"""Tests of coroutines.py: every form that g++ 12 miscompiles is refused, every safe one accepted."""

import unittest

import coroutines

# In the body of a coroutine. The number is how often something is refused, at least.
GOOD = {
    "whole statement": "co_await f(x);",
    "ignored result": "(void)co_await f(x);",
    "operand in parentheses": "co_await (std::move(op) || timer.async_wait(as_tuple(use_awaitable)));",
    "initialiser": "auto r = co_await f(x);",
    "initialiser with a type": "result<std::vector<int>> r = co_await f(x);",
    "initialiser, reference": "auto&& r = co_await f(x);",
    "structured binding": "auto [ec, n] = co_await net::async_read(s, net::buffer(b), as_tuple(token));",
    "structured binding, reference": "auto&& [ec, n] = co_await f();",
    "if with a binding": "if (auto r = co_await f(x); r) g();",
    "if with a structured binding": "if (auto [ec, n] = co_await f(x); ec) co_return;",
    "else if": "if (a) b(); else if (auto r = co_await f(); r.ok()) c();",
    "assignment": "r = co_await f(x);",
    "assignment to a member": "this->r.x[3] = co_await f(x);",
    "co_return": "co_return co_await f(std::move(s));",
    "co_return of an aggregate, no await": "co_return Req{.a = 1};",
    "range of a for": "for (const auto& x : co_await f()) g(x);",
    "loop with a binding inside": "while (true) { auto r = co_await f(); if (!r) break; }",
    "first part of a for": "for (auto r = co_await f(); r; ) g();",
    "try": "try { co_await f(); } catch (const e& x) { g(); }",
    "direct initialisation": "net::steady_timer timer(co_await net::this_coro::executor);",
    "after a head": "if (x) co_await f(); else co_await g();",
    "after a head, braces before": "std::vector<int> v{1, 2}; for (int i : v) co_await f(i);",
    "after if constexpr": "if constexpr (x) co_await f();",
    "do": "do co_await f(); while (x);",
    "case": "switch (x) { case a::b: co_await f(); break; default: r = co_await g(); }",
    "template arguments": "co_await f<int, std::vector<int>>(x);",
    "comment": "// if (co_await f())\n/* c ? co_await a() : b */ g();",
    "string": 'g("while (co_await f())"); h(R"(co_await x ? y : z)");',
    "directive": "#define X(a) if (co_await a)\n g();",
    "a named lambda, awaited in scope": "auto op = [&]() -> awaitable<void> { co_await f(); }; co_await op();",
    "a named aggregate, moved": "Req r{.a = s}; auto x = co_await f(std::move(r));",
    "a named container, moved": 'std::vector<std::string> v{"a", "b"}; co_await take(std::move(v));',
    "spawn of a named awaitable": "auto job = f(s); co_spawn(ex, std::move(job), on_end);",
    "spawn of a lambda without an await": "co_spawn(ex, [&]() -> awaitable<void> { co_await f(); }, rethrow);",
    "subscript": "auto r = co_await f(v[0], m[a][b]);",
    "digit separator": "auto r = co_await f(1'000'000);",
    "terminal cancellation is survived": "co_await net::this_coro::throw_if_cancelled(false);",
    "cancellation state": "auto state = co_await net::this_coro::cancellation_state;",
    "cancellation slot": "auto [ec, n] = co_await s.async_read(b, bind_cancellation_slot(slot, token));",
    "reset of the cancellation state": "co_await net::this_coro::reset_cancellation_state(net::enable_total_cancellation());",
    "negated after binding": "const bool ok = co_await f(); if (!ok) co_return;",
    "less-than elsewhere": "auto r = co_await f(a < b);",
    "coroutine lambda without captures": "auto op = []() -> net::awaitable<void> { co_return; };",
}
BAD = {
    "if": "if (co_await f()) g();",
    "if, negated": "if (!co_await f()) g();",
    "if, compared": "if (co_await f() == 3) g();",
    "if, member": "if ((co_await f()).ok()) g();",
    "if, declaration as condition": "if (auto r = co_await f()) g();",
    "if, second part": "if (int x = 1; co_await f(x)) g();",
    "else if": "if (a) b(); else if (co_await f()) g();",
    "while": "while (co_await f()) g();",
    "while, declaration": "while (auto r = co_await f()) g();",
    "do": "do { g(); } while (co_await f());",
    "switch": "switch (co_await f()) { case 1: break; }",
    "switch with a binding": "switch (auto r = co_await f(); r) { case 1: break; }",
    "for, condition": "for (int i = 0; co_await f(i); ++i) g();",
    "for, step": "for (int i = 0; i < 3; i = co_await f(i)) g();",
    "aggregate argument": "co_await f(Req{.a = s});",
    "aggregate argument, bound": "auto r = co_await f(Req{.a = s});",
    "aggregate argument, deep": "auto r = co_await f(g(h(Req{s})));",
    "braces alone": "co_await f({1, 2});",
    "initializer list": 'co_await take({"a", "b"});',
    "container of a list": 'co_await take(std::vector<std::string>{"a", "b"});',
    "capturing lambda argument": "co_await f([s] { g(s); });",
    "lambda argument, reference": "auto r = co_await f([&](int x) { return x; });",
    "lambda called at once": "co_await [s]() -> awaitable<void> { co_return; }();",
    "awaited co_spawn of a lambda": "co_await co_spawn(ex, [s]() -> awaitable<void> { co_return; }, use_awaitable);",
    "executor awaited in co_spawn": "co_spawn(co_await this_coro::executor, f(), [name](auto e) { g(e); });",
    "await in an aggregate": "Req r{.h = co_await a()};",
    "await in an aggregate, second": "Req r{.g = 1, .h = co_await a(), .i = 2};",
    "await in an array": "int r[] = {co_await a(), co_await b()};",
    "await in a positional aggregate": "auto r = Req{co_await a()};",
    "await in a returned aggregate": "co_return Req{.p = co_await a()};",
    "await in a returned list": "co_return {co_await a()};",
    "?: of awaits": "auto r = c ? co_await a() : co_await b();",
    "?: as a statement": "c ? co_await a() : co_await b();",
    "await of ?:": "co_await (c ? a() : b());",
    "?: in an argument": "co_await f(c ? s1 : s2);",
    "?: returned": "co_return c ? co_await a() : x;",
    "&& right": "auto r = a && co_await f();",
    "&& left": "auto r = co_await f() && a;",
    "|| right": "auto r = a || co_await f();",
    "|| left": "auto r = co_await f() || a;",
    "|| of two": "bool r = co_await f() || co_await g();",
    "&& in parentheses": "c && (r = co_await f());",
    "sum": "auto r = co_await f() + 1;",
    "sum, right": "auto r = 1 + co_await f();",
    "compound assignment": "sum += co_await f();",
    "chained assignment": "a = b = co_await f();",
    "two declarators": "auto a = co_await f(), b = 2;",
    "argument": "g(co_await f());",
    "argument of push_back": "v.push_back(co_await f());",
    "argument of a macro": "CHECK(co_await f());",
    "argument of an await": "co_await g(co_await f());",
    "second argument of a declaration": "thing t(1, co_await f());",
    "part of an argument of a declaration": "thing t(co_await f() + 1);",
    "braced direct initialisation": "net::steady_timer timer{co_await net::this_coro::executor};",
    "member of an awaited value": "auto r = (co_await f()).value();",
    "subscript": "auto r = v[co_await f()];",
    "capture": "auto l = [x = co_await f()] { return x; };",
    "comparison": "auto r = co_await f() < 3;",
    "negation": "auto r = !co_await f();",
    "throw": "throw co_await f();",
    "braces on the left": "m[Key{1}] = co_await f();",
    "inside a lambda": "auto op = [&]() -> awaitable<void> { if (co_await f()) g(); };",
    "inside a nested block": "try { while (x) { g(co_await f()); } } catch (...) {}",
    "detached": "co_spawn(ex, f(), net::detached);",
    "detached with a lambda": "net::co_spawn(ex, [&]() -> awaitable<void> { co_await f(); }, detached);",
    "coroutine lambda with a value": "auto op = [s]() -> net::awaitable<void> { co_return; };",
    "coroutine lambda with =": "auto op = [=](int x) mutable -> awaitable<void> { co_return; };",
    "coroutine lambda with an init capture": "auto op = [&a, b = std::move(c)]() -> awaitable<int> { co_return 1; };",
}
BAD_DECLARATIONS = {
    "string_view parameter": "net::awaitable<void> f(std::string_view text);",
    "string_view, second": "awaitable<result<int>> a::f(int x, const std::string_view text) { co_return 1; }",
}
GOOD_DECLARATIONS = {
    "values": "net::awaitable<result<std::vector<int>>> f(std::string text, std::vector<int> v);",
    "no coroutine": "std::string g(std::string_view text);",
    "function type": "using at_point = std::function<net::awaitable<void>(kill_point)>;",
}


class Forms(unittest.TestCase):
    def test_good(self):
        for name, code in GOOD.items():
            with self.subTest(name, code=code):
                self.assertEqual([], coroutines.check(f"awaitable<void> c()\n{{\n{code}\n}}\n"))

    def test_bad(self):
        for name, code in BAD.items():
            with self.subTest(name, code=code):
                found = coroutines.check(f"awaitable<void> c()\n{{\n{code}\n}}\n")
                self.assertTrue(found, "accepted")
                self.assertTrue(all(line == 3 for line, _ in found), found)

    def test_declarations(self):
        for name, code in GOOD_DECLARATIONS.items():
            with self.subTest(name, code=code):
                self.assertEqual([], coroutines.check(code))
        for name, code in BAD_DECLARATIONS.items():
            with self.subTest(name, code=code):
                self.assertTrue(coroutines.check(code), "accepted")

    def test_lines(self):
        code = "void c()\n{\n  /* two\n lines */ auto s = R\"(a\nb)\";\n  if (co_await f())\n  {}\n}\n"
        self.assertEqual([6], [line for line, _ in coroutines.check(code)])

    def test_unreadable(self):
        with self.assertRaises(ValueError):
            coroutines.check("void c() { (} )")


if __name__ == "__main__":
    unittest.main()
