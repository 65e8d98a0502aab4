// The guard, byte by byte: what is sent on a connection, which statuses come back and whether the
// connection then ends. Every refusal ends it; every acceptance is proved by a second request
// on the same connection, so that a byte too many or too few would show.
#include "tests/api/harness.hpp"

#include <doctest/doctest.h>

using namespace finwait::web;

namespace {

using std::string;

enum class behind { goes_on, closes };

struct row
{
    string name;
    string bytes; ///< PORT becomes the server's
    std::vector<unsigned> statuses;
    behind then = behind::closes;
};

const string line = "GET /livez HTTP/1.1\r\n";
const string host = "Host: localhost\r\n";
const string smuggled = "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// GET with those fields besides Host.
string with(const string& fields)
{
    return line + host + fields + "\r\n";
}

/// GET with that Host and no other.
string hosted(const string& value)
{
    return line + "Host: " + value + "\r\n\r\n";
}

string target(const string& text)
{
    return "GET " + text + " HTTP/1.1\r\n" + host + "\r\n";
}

string posted(const string& fields, const string& body = "")
{
    return "POST /api/v1/audits HTTP/1.1\r\n" + host + fields + "\r\n" + body;
}

string method(const string& name, const string& path = "/api/v1/status")
{
    return name + " " + path + " HTTP/1.1\r\n" + host + "\r\n";
}

string repeated(std::size_t count, const string& text)
{
    string out;
    for (std::size_t i = 0; i < count; ++i)
        out += text;
    return out;
}

std::vector<row> host_rows()
{
    return {
        {"no Host", line + "\r\n", {400}},
        {"two Hosts", line + host + host + "\r\n", {400}},
        {"two different Hosts", line + host + "Host: evil\r\n\r\n", {400}},
        {"empty Host", hosted(""), {400}},
        {"Host of spaces", hosted("   "), {400}},
        {"list of hosts", hosted("localhost, evil"), {421}},
        {"foreign name", hosted("evil.test"), {421}},
        {"suffix", hosted("localhost.evil.test"), {421}},
        {"prefix", hosted("evil.localhost"), {421}},
        {"trailing dot", hosted("localhost."), {421}},
        {"localhost6", hosted("localhost6"), {421}},
        {"another loopback address", hosted("127.0.0.2"), {421}},
        {"all addresses", hosted("0.0.0.0"), {421}},
        {"decimal address", hosted("2130706433"), {421}},
        {"short address", hosted("127.1"), {421}},
        {"IPv6 without brackets", hosted("::1"), {421}},
        {"long IPv6", hosted("[0:0:0:0:0:0:0:1]"), {421}},
        {"mapped IPv6", hosted("[::ffff:127.0.0.1]"), {421}},
        {"user information", hosted("a@localhost"), {421}},
        {"other port", hosted("localhost:1"), {421}},
        {"no port behind the colon", hosted("localhost:"), {421}},
        {"port with a zero", hosted("localhost:0PORT"), {421}},
        {"two ports", hosted("localhost:PORT:PORT"), {421}},
        {"folded", line + "Host: local\r\n host\r\n\r\n", {421}},
        {"high bytes", hosted("localh\xC3\xB6st"), {421}},
        {"name", hosted("localhost"), {200}, behind::goes_on},
        {"name in capitals", hosted("LocalHOST"), {200}, behind::goes_on},
        {"name and port", hosted("localhost:PORT"), {200}, behind::goes_on},
        {"IPv4", hosted("127.0.0.1"), {200}, behind::goes_on},
        {"IPv4 and port", hosted("127.0.0.1:PORT"), {200}, behind::goes_on},
        {"IPv6", hosted("[::1]"), {200}, behind::goes_on},
        {"IPv6 and port", hosted("[::1]:PORT"), {200}, behind::goes_on},
    };
}

std::vector<row> target_rows()
{
    std::vector<row> rows{
        {"absolute form", target("http://evil/"), {400}},
        {"absolute form of us", target("http://localhost/livez"), {400}},
        {"authority form", target("evil:80"), {400}},
        {"asterisk", target("*"), {400}},
        {"asterisk of OPTIONS", method("OPTIONS", "*"), {400}},
        {"query alone", target("?a"), {400}},
        {"two slashes", target("//evil/x"), {404}, behind::goes_on},
        {"NUL encoded", target("/livez%00"), {400}},
        {"slash encoded", target("/api%2Fv1/status"), {400}},
        {"slash encoded, lower case", target("/api%2fv1/status"), {400}},
        {"backslash encoded", target("/api%5Cv1"), {400}},
        {"dot dot", target("/api/../livez"), {400}},
        {"dot dot at the end", target("/api/.."), {400}},
        {"dot dot encoded", target("/api/%2e%2E/livez"), {400}},
        {"dot dot half encoded", target("/api/.%2e/livez"), {400}},
        {"single dot", target("/./livez"), {400}},
        {"percent at the end", target("/livez%"), {400}},
        {"percent and one digit", target("/livez%4"), {400}},
        {"percent and no digits", target("/livez%zz"), {400}},
        {"CR LF encoded", target("/livez%0d%0aX:%20y"), {400}},
        {"NUL in the query", target("/livez?a=%00"), {400}},
        {"2 KiB", target("/" + string(2047, 'a')), {404}, behind::goes_on},
        {"above 2 KiB", target("/" + string(2048, 'a')), {431}},
        {"letters encoded", target("/live%7A"), {200}, behind::goes_on},
        {"not there", target("/nowhere"), {404}, behind::goes_on},
        {"root", target("/"), {404}, behind::goes_on},
        {"slash behind", target("/livez/"), {404}, behind::goes_on},
    };
    for (int byte = 1; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const bool bad =
            byte <= 0x20 || byte >= 0x7f || string("#\\\"<>^`{|}[]").find(c) != string::npos;
        if (bad && c != '\n') // two lines are another matter
            rows.push_back(
                {"byte " + std::to_string(byte), target(string("/li") + c + "vez"), {400}}
            );
    }
    return rows;
}

std::vector<row> transfer_rows()
{
    std::vector<row> rows{
        {"chunked in HTTP/1.0",
         "GET /livez HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         {411}},
        {"bad size", posted("Transfer-Encoding: chunked\r\n", "zz\r\n"), {411}},
        {"bare LF", posted("Transfer-Encoding: chunked\r\n", "1\na\n0\n\n"), {411}},
        {"extension", posted("Transfer-Encoding: chunked\r\n", "1;a=b\r\nx\r\n0\r\n\r\n"), {411}},
        {"70 kB",
         posted(
             "Transfer-Encoding: chunked\r\n", "11170\r\n" + string(70000, 'x') + "\r\n0\r\n\r\n"
         ),
         {411}},
        {"trailer Host",
         posted("Transfer-Encoding: chunked\r\n", "0\r\nHost: evil\r\n\r\n"),
         {411}},
        {"trailer length",
         posted("Transfer-Encoding: chunked\r\n", "0\r\nContent-Length: 9\r\n\r\n"),
         {411}},
        {"twice",
         posted("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
         {400}},
        {"length, then coding",
         posted("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + smuggled),
         {400}},
        {"coding, then length",
         posted("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n" + smuggled),
         {400}},
        {"folded", posted("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), {411}},
    };
    for (const char* value :
         {"chunked",
          "xchunked",
          "chunked, identity",
          "\"chunked\"",
          "gzip, chunked",
          "identity",
          "",
          ",chunked",
          "chunked,",
          "chunked;q=1",
          "CHUNKED",
          "chunked, chunked"})
        for (const auto& begin : {line + host, "POST /api/v1/audits HTTP/1.1\r\n" + host})
            rows.push_back(
                {string("Transfer-Encoding: ") + value,
                 begin + "Transfer-Encoding: " + value + "\r\n\r\n" + smuggled,
                 {411}}
            );
    return rows;
}

std::vector<row> length_rows()
{
    std::vector<row> rows{
        {"two equal", with("Content-Length: 0\r\nContent-Length: 0\r\n"), {400}},
        {"two equal of POST",
         posted("Content-Length: 1\r\nContent-Length: 1\r\n", "x" + smuggled),
         {400}},
        {"two different", posted("Content-Length: 1\r\nContent-Length: 2\r\n", "xx"), {400}},
        {"64 KiB and one", posted("Content-Length: 65537\r\n"), {413}},
        {"very long", posted("Content-Length: 18446744073709551615\r\n"), {413}},
        {"64 KiB", posted("Content-Length: 65536\r\n", string(65536, 'x')), {405}},
        {"64 KiB that never come", posted("Content-Length: 65536\r\n"), {405}},
        {"GET with a body", with("Content-Length: 5\r\n") + "GET /l", {400}},
        {"HEAD with a body",
         "HEAD /livez HTTP/1.1\r\n" + host + "Content-Length: 1\r\n\r\nx",
         {400}},
        {"GET with an empty body", with("Content-Length: 0\r\n"), {200}, behind::goes_on},
        {"folded", with("Content-Length:\r\n 0\r\n"), {200}, behind::goes_on},
        {"POST without a length", posted(""), {411}},
    };
    for (const char* value :
         {"1, 1",
          "+1",
          "-1",
          "0x1",
          "1e0",
          "",
          "1 1",
          "1;",
          "18446744073709551616",
          "100000000000000000000000000000",
          "one"})
        rows.push_back(
            {string("Content-Length: ") + value,
             posted(string("Content-Length: ") + value + "\r\n", "x"),
             {400}}
        );
    return rows;
}

std::vector<row> method_rows()
{
    std::vector<row> rows{
        {"PUT", method("PUT"), {405}},
        {"DELETE", method("DELETE", "/api/v1/audits/01KG9BZ4W37V8ZJ1QYXR5S2T6P"), {405}},
        {"PATCH", method("PATCH"), {405}},
        {"PUT of no route", method("PUT", "/nowhere"), {405}},
        {"POST", posted("Content-Length: 2\r\nContent-Type: application/json\r\n", "{}"), {405}},
        {"OPTIONS", method("OPTIONS"), {204}, behind::goes_on},
        {"OPTIONS of no route", method("OPTIONS", "/nowhere"), {404}, behind::goes_on},
        {"empty", " / HTTP/1.1\r\n" + host + "\r\n", {400}},
        {"no token", "G(T / HTTP/1.1\r\n" + host + "\r\n", {400}},
    };
    for (const char* name : {"CONNECT", "TRACE", "gEt", "get", "BREW", "PROPFIND", "LINK"})
        rows.push_back({name, method(name), {501}});
    rows.push_back({"CONNECT to a host", method("CONNECT", "localhost:80"), {501}});
    return rows;
}

std::vector<row> field_rows()
{
    return {
        {"header above 8 KiB", with("X: " + string(8200, 'a') + "\r\n"), {431}},
        {"header of many fields", with(repeated(300, "X: y\r\n")), {431}},
        {"64 fields", with(repeated(63, "X: y\r\n")), {200}, behind::goes_on},
        {"65 fields", with(repeated(64, "X: y\r\n")), {431}},
        {"endless field", line + host + "X: " + string(100000, 'a'), {431}},
        {"endless fields", line + host + repeated(20000, "X: y\r\n"), {431}},
        {"endless target", "GET /" + string(100000, 'a'), {431}},
        {"endless method", string(100000, 'A'), {431}},
        {"expectation", with("Expect: 100-continue\r\n"), {200}, behind::goes_on},
        {"expectation of POST", posted("Expect: 100-continue\r\nContent-Length: 5\r\n"), {405}},
        {"expectation of a long POST",
         posted("Expect: 100-continue\r\nContent-Length: 65537\r\n"),
         {413}},
        {"other expectation", with("Expect: 200-ok\r\n"), {417}},
        {"two expectations", with("Expect: 100-continue\r\nExpect: x\r\n"), {417}},
        {"upgrade",
         with("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"),
         {200},
         behind::goes_on},
        {"websocket",
         with("Connection: Upgrade\r\nUpgrade: websocket\r\n"),
         {200},
         behind::goes_on},
        {"close", with("Connection: close\r\n"), {200}},
        {"close and keep-alive", with("Connection: close, keep-alive\r\n"), {200}},
        {"high bytes in a value", with("X: \x80\xFF\r\n"), {200}, behind::goes_on},
        {"folded", with("X: a\r\n b\r\n\tc\r\n"), {200}, behind::goes_on},
        {"NUL in a value", with(string("X: a\0b\r\n", 8)), {400}},
        {"ESC in a value", with("X: a\x1b[2J\r\n"), {400}},
        {"DEL in a value", with("X: a\x7f\r\n"), {400}},
        {"bare CR in a value", with("X: a\rb\r\n"), {400}},
        {"space before the colon", with("X : y\r\n"), {400}},
        {"Host with a space before the colon", line + "Host : localhost\r\n\r\n", {400}},
        {"no colon", with("X\r\n"), {400}},
        {"empty name", with(": y\r\n"), {400}},
        {"high byte in a name", with("X\x80: y\r\n"), {400}},
        {"folded first field", line + " Host: localhost\r\n\r\n", {400}},
    };
}

std::vector<row> line_rows()
{
    return {
        {"bare LF", "GET /livez HTTP/1.1\nHost: localhost\n\n", {400}},
        {"bare LF behind a field", line + "Host: localhost\nX: y\r\n\r\n", {400}},
        {"bare LF at the end", line + host + "\n", {400}},
        {"CRLF before", "\r\n" + with(""), {400}},
        {"two spaces", "GET  /livez HTTP/1.1\r\n" + host + "\r\n", {400}},
        {"two spaces before the version", "GET /livez  HTTP/1.1\r\n" + host + "\r\n", {400}},
        {"tab", "GET\t/livez HTTP/1.1\r\n" + host + "\r\n", {400}},
        {"space behind", "GET /livez HTTP/1.1 \r\n" + host + "\r\n", {400}},
        {"space before", " GET /livez HTTP/1.1\r\n" + host + "\r\n", {400}},
        {"lower case", "GET /livez http/1.1\r\n" + host + "\r\n", {400}},
        {"HTTP/0.9", "GET /livez\r\n", {400}},
        {"HTTP/1.2", "GET /livez HTTP/1.2\r\n" + host + "\r\n", {400}},
        {"HTTP/1.10", "GET /livez HTTP/1.10\r\n" + host + "\r\n", {400}},
        {"HTTP/2.0", "GET /livez HTTP/2.0\r\n" + host + "\r\n", {400}},
        {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400}},
        {"TLS hello", string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), {400}},
        {"garbage", "\x01\x02\x03\x04", {400}},
        {"HTTP/1.0 without Host", "GET /livez HTTP/1.0\r\n\r\n", {400}},
        {"HTTP/1.0", "GET /livez HTTP/1.0\r\n" + host + "\r\n", {200}},
        {"HTTP/1.0 kept alive",
         "GET /livez HTTP/1.0\r\n" + host + "Connection: keep-alive\r\n\r\n",
         {200}},
        {"two requests", with("") + target("/nowhere"), {200, 404}, behind::goes_on},
        {"a good and a bad one", with("") + "GET", {200}, behind::goes_on},
        {"good, bad, good", with("") + with("Transfer-Encoding: x\r\n") + with(""), {200, 411}},
    };
}

std::vector<row> origin_rows()
{
    const auto api = [](const string& fields) {
        return "GET /api/v1/status HTTP/1.1\r\n" + host + fields + "\r\n";
    };
    return {
        {"own page", api("Sec-Fetch-Site: same-origin\r\n"), {200}, behind::goes_on},
        {"address bar", api("Sec-Fetch-Site: none\r\n"), {200}, behind::goes_on},
        {"own origin", api("Origin: http://localhost\r\n"), {200}, behind::goes_on},
        {"no-cors GET of another site",
         api("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n"),
         {403}},
        {"in capitals", api("sec-fetch-site: Cross-Site\r\n"), {403}},
        {"twice", api("Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site\r\n"), {403}},
        {"another port", api("Sec-Fetch-Site: same-site\r\n"), {403}},
        {"path written otherwise",
         "GET /%61pi/v1/status HTTP/1.1\r\n" + host + "Sec-Fetch-Site: cross-site\r\n\r\n",
         {403}},
        {"a path that tells nothing",
         with("Sec-Fetch-Site: cross-site\r\n"),
         {200},
         behind::goes_on},
        {"foreign origin", api("Origin: http://evil.test\r\n"), {403}},
        {"origin null", api("Origin: null\r\n"), {403}},
        {"origin with another port", api("Origin: http://localhost:1\r\n"), {403}},
        {"origin of another scheme", api("Origin: https://localhost\r\n"), {403}},
        {"preflight",
         "OPTIONS /api/v1/audits HTTP/1.1\r\n" + host +
             "Origin: http://evil.test\r\nAccess-Control-Request-Method: POST\r\n\r\n",
         {403}},
        {"form of another site",
         posted(
             "Origin: http://evil.test\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 3\r\n"
             "Content-Type: application/x-www-form-urlencoded\r\n",
             "a=b"
         ),
         {405}},
        {"text/plain of another site",
         posted(
             "Origin: http://evil.test\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n", "{}"
         ),
         {405}},
    };
}

/// The fields that every answer has, and those that none has.
void check_usual_fields(const reply& answer)
{
    CHECK(answer.field("x-content-type-options") == "nosniff");
    CHECK(answer.field("cache-control") == "no-store");
    CHECK(answer.field("cross-origin-resource-policy") == "same-origin");
    CHECK(answer.field("cross-origin-opener-policy") == "same-origin");
    CHECK(answer.field("referrer-policy") == "no-referrer");
    CHECK(answer.field("content-security-policy").starts_with("default-src 'none'; "));
    CHECK_FALSE(answer.field("date").empty());
    for (const auto& [name, value] : answer.fields)
        CHECK_FALSE(name.starts_with("access-control"));
}

void check_refusal(const reply& answer)
{
    if (answer.status < 400)
        return;
    CHECK(answer.field("content-type") == "application/problem+json");
    CHECK(answer.body.find("\"status\":" + std::to_string(answer.status)) != string::npos);
    if (answer.status == 405)
        CHECK(answer.field("allow") == "GET, HEAD, OPTIONS");
}

string with_port(string bytes, std::uint16_t port)
{
    const string number = std::to_string(port);
    for (auto at = bytes.find("PORT"); at != string::npos; at = bytes.find("PORT", at))
        bytes.replace(at, 4, number);
    return bytes;
}

void run(running_server& server, const std::vector<row>& rows)
{
    for (const auto& each : rows) {
        CAPTURE(each.name);
        raw_client client(server.port());
        (void)client.send(with_port(each.bytes, server.port())); // ignoring: closed is an answer
        const auto how =
            each.bytes.starts_with("HEAD") ? raw_client::asked::head : raw_client::asked::get;
        for (const auto wanted : each.statuses) {
            const auto answer = client.receive(how);
            REQUIRE(answer);
            CHECK(answer->status == wanted);
            check_usual_fields(*answer);
            if (how == raw_client::asked::get)
                check_refusal(*answer);
        }
        if (each.then == behind::closes) {
            CHECK(client.closed_by_server());
            continue;
        }
        // "GET" of the row with half a request behind a good one is finished here.
        const auto rest = each.bytes.ends_with("GET") ? get("/livez").substr(3) : get("/livez");
        REQUIRE(client.send(rest));
        const auto again = client.receive();
        REQUIRE(again);
        CHECK(again->status == 200);
        CHECK(again->body == "ok\n");
    }
}

} // namespace

TEST_SUITE_BEGIN("api/guard");

TEST_CASE("the guard accepts and refuses")
{
    running_server server;
    SUBCASE("hosts")
    {
        run(server, host_rows());
    }
    SUBCASE("targets")
    {
        run(server, target_rows());
    }
    SUBCASE("transfer codings")
    {
        run(server, transfer_rows());
    }
    SUBCASE("lengths")
    {
        run(server, length_rows());
    }
    SUBCASE("methods")
    {
        run(server, method_rows());
    }
    SUBCASE("fields")
    {
        run(server, field_rows());
    }
    SUBCASE("request lines and versions")
    {
        run(server, line_rows());
    }
    SUBCASE("other sites")
    {
        run(server, origin_rows());
    }
    CHECK(server.logged().empty());
}

TEST_CASE("a request comes to the same whether it comes at once or byte by byte")
{
    running_server server;
    for (const auto& rows : {host_rows(), transfer_rows(), line_rows()})
        for (const auto& each : rows) {
            if (each.bytes.size() > 300 || each.statuses.size() > 1 || each.then != behind::closes)
                continue;
            CAPTURE(each.name);
            raw_client client(server.port());
            for (const char c : with_port(each.bytes, server.port()))
                if (!client.send(string(1, c)))
                    break;
            const auto answer = client.receive();
            REQUIRE(answer);
            CHECK(answer->status == each.statuses.front());
        }
}

TEST_SUITE_END();
