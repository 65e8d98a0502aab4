// `finwait reports`, `show`, `diff` and `export` on the command line.
#include "daemon/cli_commands.hpp"
#include "daemon/cli_words.hpp"
#include "daemon/history_commands.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>

namespace finwait::daemon {

namespace {

void add_places(CLI::App& to, history_words& where)
{
    to.add_option("--socket", where.daemon.socket, "The daemon's Unix socket")->type_name("PATH");
    to.add_option("--url", where.daemon.url, "Where the daemon listens")->type_name("URL");
    to.add_option("--history", where.file, "Read this file, without a daemon")->type_name("FILE");
}

template <class Enum>
std::optional<Enum> word_of(std::string_view option, const std::optional<std::string>& text)
{
    if (!text)
        return std::nullopt;
    static constexpr auto values = all_of<Enum>();
    return choice(option, *text, words<Enum>::table, values);
}

struct report_words
{
    history_words where;
    output_words output;
    std::optional<std::string> audit;
    std::optional<std::string> at;
    std::optional<std::string> by;
    std::optional<std::string> subject;
    std::optional<std::string> target;
    std::optional<std::string> verdict;
    std::optional<std::string> as_expected;
    std::string limit = "20";

    reports_options understood() const
    {
        reports_options options{.where = where, .wanted = {}, .output = output.understood()};
        options.wanted.limit = count("--limit", limit, 1, 1'000'000);
        options.wanted.audit = audit;
        options.wanted.subject = subject;
        options.wanted.target = target;
        options.wanted.at = word_of<kill_point>("--at", at);
        options.wanted.by = word_of<kill_method>("--by", by);
        options.wanted.verdict = word_of<finwait::verdict>("--verdict", verdict);
        static constexpr std::array<std::string_view, 2> answers{"no", "yes"};
        if (as_expected)
            options.wanted.as_expected =
                choice("--as-expected", *as_expected, answers, std::array{false, true});
        return options;
    }
};

void add_reports(CLI::App& app, work& chosen)
{
    auto* const command = app.add_subcommand("reports", "List what the daemon has found");
    command->footer("Examples:\n"
                    "  finwait reports\n"
                    "  finwait reports --as-expected no --limit 100\n"
                    "  finwait reports --by sigkill --verdict leaked -o ndjson | jq .reasons\n\n"
                    "Reports of the daemon's audits and probes, newest first.\n"
                    "Exit: 0, 2 wrong usage, 74 output could not be written, 75 the daemon cannot "
                    "be reached.");
    const auto in = std::make_shared<report_words>();
    command->add_option("--audit", in->audit, "Only of this audit")->type_name("ID");
    command->add_option("--at", in->at, "Only of this kill point")->type_name("P");
    command->add_option("--by", in->by, "Only of this kill method")->type_name("M");
    command->add_option("--subject", in->subject, "Only of this client")->type_name("S");
    command->add_option("--target", in->target, "Only of this target")->type_name("T");
    command->add_option("--verdict", in->verdict, "Only with this verdict")->type_name("WORD");
    command->add_option("--as-expected", in->as_expected, "Only what is, or is not: yes or no")
        ->type_name("WORD");
    command->add_option("--limit", in->limit, "At most so many")
        ->type_name("N")
        ->capture_default_str();
    add_places(*command, in->where);
    in->output.add_to(*command);
    command->callback([in, &chosen] {
        chosen = [options = in->understood()] {
            return run_reports(options);
        };
    });
}

void add_show(CLI::App& app, work& chosen)
{
    struct arguments
    {
        history_words where;
        output_words output;
        std::string id;
    };
    auto* const command = app.add_subcommand("show", "Show a report or an audit again");
    command->footer("Examples:\n"
                    "  finwait show latest\n"
                    "  finwait show 01KAP3Q8N7R5M2Y6T4W9X1Z0AB\n"
                    "  finwait show latest -o json | jq .summary\n\n"
                    "Shows one report or one audit of the daemon's.\n"
                    "Exit: 0, 2 wrong usage or no such id, 74 output could not be written, 75 the "
                    "daemon\ncannot be reached.");
    const auto in = std::make_shared<arguments>();
    command->add_option("id", in->id, "Of a report or an audit, or latest")
        ->type_name("ID")
        ->required();
    add_places(*command, in->where);
    in->output.add_to(*command);
    command->callback([in, &chosen] {
        const show_options options{
            .where = in->where, .id = in->id, .output = in->output.understood()};
        chosen = [options] {
            return run_show(options);
        };
    });
}

void add_diff(CLI::App& app, work& chosen)
{
    struct arguments
    {
        history_words where;
        output_words output;
        std::string before;
        std::string after = "latest";
    };
    auto* const command = app.add_subcommand("diff", "What one audit has that another had not");
    command->footer("Examples:\n"
                    "  finwait diff 01KAP3Q8N7R5M2Y6T4W9X1Z0AB\n"
                    "  finwait diff 01KAP3Q8N7R5M2Y6T4W9X1Z0AB 01KAPAQXD3V0G4S8C7J2H5F6K1\n\n"
                    "Compares two audits cell by cell: the earlier one first; without the other, "
                    "the latest.\n"
                    "Exit: 0 no new finding, 1 new findings, 2 wrong usage or no such audit, 74 "
                    "output could\nnot be written, 75 the daemon cannot be reached.");
    const auto in = std::make_shared<arguments>();
    command->add_option("before", in->before, "The earlier audit")->type_name("ID")->required();
    command->add_option("after", in->after, "The later one")
        ->type_name("ID")
        ->capture_default_str();
    add_places(*command, in->where);
    in->output.add_to(*command);
    command->callback([in, &chosen] {
        const diff_options options{
            .where = in->where,
            .before = in->before,
            .after = in->after,
            .output = in->output.understood()};
        chosen = [options] {
            return run_diff(options);
        };
    });
}

void add_export(CLI::App& app, work& chosen)
{
    auto* const command = app.add_subcommand("export", "All that was found, as NDJSON");
    command->footer("Examples:\n"
                    "  finwait export > finwait.ndjson\n"
                    "  finwait export --history /var/lib/finwait/history.db | jq .schema\n\n"
                    "A line for each document: findings, then every audit, newest first, each with "
                    "its\nreports behind it.\n"
                    "Exit: 0, 2 wrong usage, 74 output could not be written, 75 the daemon cannot "
                    "be reached.");
    const auto in = std::make_shared<history_words>();
    add_places(*command, *in);
    command->callback([in, &chosen] {
        chosen = [where = *in] {
            return run_export(where);
        };
    });
}

} // namespace

void add_history(CLI::App& app, work& chosen)
{
    add_reports(app, chosen);
    add_show(app, chosen);
    add_diff(app, chosen);
    add_export(app, chosen);
}

} // namespace finwait::daemon
