#include "agent/config/config.hpp"

#include "agent/base/file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <ostream>
#include <string>
#include <string_view>

namespace knell {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Config parsed(const std::string& text) {
    const Result<Config> config = parse_config(text, "knell.yaml");
    EXPECT_TRUE(config.has_value()) << config.error().message;
    return config.value_or(Config{});
}

std::string error_of(const std::string& text) {
    const Result<Config> config = parse_config(text, "knell.yaml");
    return config ? "no error" : config.error().message;
}

TEST(ParseConfig, EverySettingIsRead) {
    const Config config = parsed(R"(
listen: "[::1]:9000"
log: {level: debug, format: json}
ring: {size: 1MiB, coalesce: 250us}
loop: {backend: epoll}
watch:
  capacity: 1024
  min_age: 1.5s
  select:
    cgroup: ["/kubepods*", "!*/sidecar"]
    comm:
      - nginx
      - "post*"
attribution:
  mode: kubernetes
  containerd: [/host/run/containerd]
  storage: []
  docker: [/data/docker]
  container_logs: [/host/logs/containers]
  pod_logs: [/host/logs/pods, /host/more]
metrics: {pod_label: true, max_series: 1000, retain: 7d, created_timestamps: false}
stop_signals: [SIGQUIT, WINCH, 37]
pidfd_creation: off
state: {pin: /sys/fs/bpf/other, keep_on_exit: false}
exporters:
  jsonl: {path: /var/log/knell.jsonl, reasons: [success, oom_kill]}
)");
    EXPECT_EQ(config.listen, "[::1]:9000");
    EXPECT_EQ(config.log.level, log::Level::debug);
    EXPECT_EQ(config.log.format, log::Format::json);
    EXPECT_EQ(config.ring.size_bytes, 1U << 20);
    EXPECT_EQ(config.ring.coalesce, 250 * kMicrosecond);
    EXPECT_EQ(config.loop_backend, BackendChoice::epoll);
    EXPECT_EQ(config.watch.pool.capacity, 1024U);
    EXPECT_EQ(config.watch.pool.min_age, 1500 * kMillisecond);
    EXPECT_THAT(config.watch.select_cgroup, ElementsAre("/kubepods*", "!*/sidecar"));
    EXPECT_THAT(config.watch.select_comm, ElementsAre("nginx", "post*"));
    EXPECT_EQ(config.attribution.mode, AttributionMode::kubernetes);
    EXPECT_THAT(config.attribution.names.containerd, ElementsAre("/host/run/containerd"));
    EXPECT_THAT(config.attribution.names.storage, IsEmpty());
    EXPECT_THAT(config.attribution.names.docker, ElementsAre("/data/docker"));
    EXPECT_THAT(config.attribution.names.container_logs, ElementsAre("/host/logs/containers"));
    EXPECT_THAT(config.attribution.names.pod_logs, ElementsAre("/host/logs/pods", "/host/more"));
    EXPECT_TRUE(config.metrics.limits.pod_label);
    EXPECT_FALSE(config.metrics.created_timestamps);
    EXPECT_EQ(config.metrics.limits.max_series, 1000U);
    EXPECT_EQ(config.metrics.limits.retain, 7 * 86400 * kSecond);
    EXPECT_THAT(config.stop_signals, ElementsAre(SIGQUIT, SIGWINCH, 37));
    EXPECT_FALSE(config.pidfd_creation);
    EXPECT_EQ(config.state.pin, "/sys/fs/bpf/other");
    EXPECT_FALSE(config.state.keep_on_exit);
    ASSERT_TRUE(config.jsonl.has_value());
    EXPECT_EQ(config.jsonl->path, "/var/log/knell.jsonl");
    EXPECT_THAT(config.jsonl->reasons, ElementsAre(Reason::success, Reason::oom_kill));
}

void expect_defaults(const Config& config) {
    EXPECT_EQ(config.listen, "127.0.0.1:9477");
    EXPECT_EQ(config.log.level, log::Level::info);
    EXPECT_EQ(config.log.format, log::Format::text);
    EXPECT_EQ(config.ring.size_bytes, 8U << 20);
    EXPECT_EQ(config.ring.coalesce, kMillisecond);
    EXPECT_EQ(config.loop_backend, BackendChoice::automatic);
    EXPECT_EQ(config.watch.pool.capacity, 65536U);
    EXPECT_EQ(config.watch.pool.min_age, 100 * kMillisecond);
    EXPECT_THAT(config.watch.select_cgroup, ElementsAre("*"));
    EXPECT_THAT(config.watch.select_comm, ElementsAre("*"));
    EXPECT_EQ(config.attribution, AttributionOptions{});
    EXPECT_FALSE(config.metrics.limits.pod_label);
    EXPECT_TRUE(config.metrics.created_timestamps);
    EXPECT_EQ(config.metrics.limits.max_series, 20000U);
    EXPECT_EQ(config.metrics.limits.retain, 600 * kSecond);
    EXPECT_THAT(config.stop_signals, ElementsAre(SIGTERM));
    EXPECT_TRUE(config.pidfd_creation);
    EXPECT_EQ(config.state.pin, "/sys/fs/bpf/knell");
    EXPECT_TRUE(config.state.keep_on_exit);
}

TEST(ParseConfig, NothingMeansTheDefaults) {
    for (const char* text : {"", "\n\n", "# nothing yet\n", "---\n", "---\n# nothing\n...\n", "{}",
                             "\xEF\xBB\xBFlog: {}\r\n", "ring:\n  # size: 8MiB\nlog: {}\n"}) {
        SCOPED_TRACE(text);
        const Config config = parsed(text);
        expect_defaults(config);
        EXPECT_FALSE(config.jsonl.has_value());
    }
}

// The first YAML block of docs/configuration.md.
std::string documented_config() {
    const auto page = read_small_file(AT_FDCWD, KNELL_SOURCE_DIR "/docs/configuration.md", 1U << 20);
    EXPECT_TRUE(page.has_value());
    constexpr std::string_view kOpen = "```yaml\n";
    const std::size_t open = page ? page->find(kOpen) : std::string::npos;
    if (open == std::string::npos) {
        ADD_FAILURE() << "no YAML on the page";
        return "";
    }
    const std::size_t start = open + kOpen.size();
    return page->substr(start, page->find("```", start) - start);
}

TEST(ParseConfig, TheDocumentedDefaultsAreTheDefaults) {
    const Config config = parsed(documented_config());
    expect_defaults(config);
    ASSERT_TRUE(config.jsonl.has_value());
    const Config short_form = parsed("exporters: {jsonl: {}}");
    ASSERT_TRUE(short_form.jsonl.has_value());
    EXPECT_EQ(short_form.jsonl->path, config.jsonl->path);
    EXPECT_EQ(short_form.jsonl->reasons, config.jsonl->reasons);
}

TEST(ParseConfig, AnEmptyListOfReasonsMeansAll) {
    const Config config = parsed("exporters: {jsonl: {reasons: []}}");
    ASSERT_TRUE(config.jsonl.has_value());
    EXPECT_THAT(config.jsonl->reasons, IsEmpty());
}

TEST(ParseConfig, AnEmptyPinMeansThatNothingIsPinned) {
    EXPECT_EQ(parsed("state: {pin: \"\"}").state.pin, "");
}

TEST(ParseConfig, AnchorsAndAliasesWork) {
    const Config config = parsed(
        "watch:\n  select:\n    cgroup: &all [\"*\"]\n    comm: *all\n  min_age: &age 2s\nmetrics: {retain: *age}\n");
    EXPECT_THAT(config.watch.select_comm, ElementsAre("*"));
    EXPECT_EQ(config.metrics.limits.retain, 2 * kSecond);
}

TEST(ParseConfig, AProblemWithAnAliasIsWhereTheAliasStands) {
    EXPECT_EQ(error_of("watch:\n  min_age: &age 2h\n  select:\n    comm:\n    - &empty \"\"\n    - *empty\nring: "
                       "{coalesce: *age}\n"),
              "knell.yaml:2: watch.min_age: \"2h\" is too long (write at most 1h)\n"
              "knell.yaml:5: watch.select.comm: \"\" is an empty pattern (write \"*\" for everything)\n"
              "knell.yaml:6: watch.select.comm: \"\" is an empty pattern (write \"*\" for everything)\n"
              "knell.yaml:7: ring.coalesce: \"2h\" is too long (write at most 10ms)");
}

TEST(ParseConfig, LimitsThemselvesAreAllowed) {
    EXPECT_EQ(parsed("watch: {capacity: 1}").watch.pool.capacity, 1U);
    EXPECT_EQ(parsed("watch: {capacity: 1048576}").watch.pool.capacity, 1048576U);
    EXPECT_EQ(parsed("watch: {min_age: 0s}").watch.pool.min_age, 0U);
    EXPECT_EQ(parsed("watch: {min_age: 1h}").watch.pool.min_age, 3600 * kSecond);
    EXPECT_EQ(parsed("metrics: {max_series: 1000000}").metrics.limits.max_series, 1'000'000U);
    EXPECT_EQ(parsed("metrics: {retain: 168h}").metrics.limits.retain, 7 * 86400 * kSecond);
    EXPECT_EQ(parsed("ring: {coalesce: 10ms}").ring.coalesce, 10 * kMillisecond);
    EXPECT_EQ(parsed("ring: {coalesce: 0.5us}").ring.coalesce, 500U);
    EXPECT_EQ(parsed("ring: {size: 65536}").ring.size_bytes, 65536U);
    EXPECT_EQ(parsed("ring: {size: 64KiB}").ring.size_bytes, 65536U);
    EXPECT_EQ(parsed("ring: {size: 1GiB}").ring.size_bytes, 1U << 30);
    EXPECT_EQ(parsed("watch: {select: {comm: [" + std::string(256, 'x') + "]}}").watch.select_comm.front().size(),
              256U);
}

struct BadFile {
    const char* text;
    const char* message;
};

void PrintTo(const BadFile& row, std::ostream* out) {
    *out << testing::PrintToString(row.text); // escaped, on one line
}

class ParseConfigError : public testing::TestWithParam<BadFile> {};

TEST_P(ParseConfigError, NamesFileLineAndKey) {
    EXPECT_EQ(error_of(GetParam().text), GetParam().message);
}

#define KEEP_ONE " (keep one; mind lines indented less than the first, and stray commas)"
#define A_SIGNAL " (write a name like SIGTERM, or a number from 1 to 64)"
#define NOT_A_DURATION " is not a duration (write a number and us, ms, s, m, h or d, like 100ms)"

INSTANTIATE_TEST_SUITE_P(
    Values, ParseConfigError,
    testing::Values(
        BadFile{"log: {level: warn}\nring:\n  size: 8 Mb\n",
                "knell.yaml:3: ring.size: \"8 Mb\" is not a size (write a number and KiB, MiB or GiB, like 8MiB)"},
        BadFile{"ring: {size: -8MiB}",
                "knell.yaml:1: ring.size: \"-8MiB\" is not a size (write a number and KiB, MiB or GiB, like 8MiB)"},
        BadFile{"ring: {size: 1.5MiB}",
                "knell.yaml:1: ring.size: \"1.5MiB\" is not a size (write a number and KiB, MiB or GiB, like 8MiB)"},
        BadFile{"ring: {size: \"\"}",
                "knell.yaml:1: ring.size: \"\" is not a size (write a number and KiB, MiB or GiB, like 8MiB)"},
        BadFile{"ring: {size: 6MiB}", "knell.yaml:1: ring.size: \"6MiB\" is not a power of two (write 4MiB or 8MiB)"},
        BadFile{"ring: {size: 32KiB}", "knell.yaml:1: ring.size: \"32KiB\" is out of range (write 64KiB to 1GiB)"},
        BadFile{"ring: {size: 2GiB}", "knell.yaml:1: ring.size: \"2GiB\" is out of range (write 64KiB to 1GiB)"},
        BadFile{"ring: {size: 99999999999999999999GiB}",
                "knell.yaml:1: ring.size: \"99999999999999999999GiB\" is out of range (write 64KiB to 1GiB)"},
        // 2^34 + 1 GiB is 1 GiB after a 64-bit overflow.
        BadFile{"ring: {size: 17179869185GiB}",
                "knell.yaml:1: ring.size: \"17179869185GiB\" is out of range (write 64KiB to 1GiB)"},
        BadFile{
            "\n\nring: {coalesce: 100}",
            "knell.yaml:3: ring.coalesce: \"100\" has no unit (write a number and us, ms, s, m, h or d, like 100ms)"},
        BadFile{"ring: {coalesce: 0}",
                "knell.yaml:1: ring.coalesce: \"0\" has no unit (write a number and us, ms, s, m, h or d, like 100ms)"},
        BadFile{"ring: {coalesce: 11ms}", "knell.yaml:1: ring.coalesce: \"11ms\" is too long (write at most 10ms)"},
        BadFile{"ring: {coalesce: -1ms}", "knell.yaml:1: ring.coalesce: \"-1ms\"" NOT_A_DURATION},
        BadFile{"ring: {coalesce: 1 ms}", "knell.yaml:1: ring.coalesce: \"1 ms\"" NOT_A_DURATION},
        BadFile{"ring: {coalesce: infs}", "knell.yaml:1: ring.coalesce: \"infs\"" NOT_A_DURATION},
        BadFile{"ring: {coalesce: 1e3us}", "knell.yaml:1: ring.coalesce: \"1e3us\"" NOT_A_DURATION},
        BadFile{"ring: {coalesce: 1M}", "knell.yaml:1: ring.coalesce: \"1M\"" NOT_A_DURATION},
        BadFile{"watch: {min_age: 61m}", "knell.yaml:1: watch.min_age: \"61m\" is too long (write at most 1h)"},
        BadFile{"metrics: {retain: 8d}", "knell.yaml:1: metrics.retain: \"8d\" is too long (write at most 7d)"},
        BadFile{"metrics: {retain: 999999999999999999999999999999h}",
                "knell.yaml:1: metrics.retain: \"999999999999999999999999999999h\" is too long (write at most 7d)"},
        BadFile{"watch: {capacity: 0}", "knell.yaml:1: watch.capacity: \"0\" is out of range (write 1 to 1048576)"},
        BadFile{"watch: {capacity: 1048577}",
                "knell.yaml:1: watch.capacity: \"1048577\" is out of range (write 1 to 1048576)"},
        BadFile{"watch: {capacity: 4294967297}",
                "knell.yaml:1: watch.capacity: \"4294967297\" is out of range (write 1 to 1048576)"},
        BadFile{"watch: {capacity: 64k}",
                "knell.yaml:1: watch.capacity: \"64k\" is not a whole number (write 1 to 1048576)"},
        BadFile{"metrics: {max_series: 999}",
                "knell.yaml:1: metrics.max_series: \"999\" is out of range (write 1000 to 1000000)"},
        BadFile{"metrics: {pod_label: yes}",
                "knell.yaml:1: metrics.pod_label: \"yes\" is not known here (write one of true, false)"},
        BadFile{"log: {level: loud}",
                "knell.yaml:1: log.level: \"loud\" is not known here (write one of debug, info, warn, error)"},
        BadFile{"log: {format: xml}", "knell.yaml:1: log.format: \"xml\" is not known here (write one of text, json)"},
        BadFile{"loop: {backend: uring}",
                "knell.yaml:1: loop.backend: \"uring\" is not known here (write one of auto, io_uring, epoll)"},
        BadFile{"attribution:\n  mode: k8s\n",
                "knell.yaml:2: attribution.mode: \"k8s\" is not known here (write one of "
                "auto, kubernetes, systemd, none)"},
        BadFile{"pidfd_creation: on",
                "knell.yaml:1: pidfd_creation: \"on\" is not known here (write one of auto, off)"},
        BadFile{"stop_signals:\n  - SIGTERM\n  - SIGSTP\n",
                "knell.yaml:3: stop_signals: \"SIGSTP\" is no signal" A_SIGNAL},
        BadFile{"stop_signals: [65]", "knell.yaml:1: stop_signals: \"65\" is no signal" A_SIGNAL},
        BadFile{"stop_signals: [KILL]",
                "knell.yaml:1: stop_signals: \"KILL\" cannot be handled, so it asks for nothing" A_SIGNAL},
        BadFile{"stop_signals: [19]",
                "knell.yaml:1: stop_signals: \"19\" cannot be handled, so it asks for nothing" A_SIGNAL},
        BadFile{"stop_signals: [SIGCHLD]",
                "knell.yaml:1: stop_signals: \"SIGCHLD\" tells of a child and asks for nothing" A_SIGNAL},
        BadFile{"stop_signals: []", "knell.yaml:1: stop_signals: has 0 entries (write 1 to 64)"},
        BadFile{"stop_signals: SIGTERM", "knell.yaml:1: stop_signals: is a single value, not a list (write [a, b], or "
                                         "remove the key for its default)"},
        BadFile{"exporters:\n  jsonl:\n    reasons:\n      - crash\n      - oom\n",
                "knell.yaml:5: exporters.jsonl.reasons: \"oom\" is not known here (write one of oom_kill, seccomp, "
                "pidns_teardown, cgroup_kill, parent_death, crash, signal, error, success, unknown)"},
        BadFile{"exporters: {jsonl: {path: \"\"}}",
                "knell.yaml:1: exporters.jsonl.path: \"\" is not a path (write 1 to 4095 bytes)"},
        BadFile{"state: {pin: bpf/knell}",
                "knell.yaml:1: state.pin: \"bpf/knell\" is not an absolute path (start it with /)"},
        BadFile{"listen: localhost", "knell.yaml:1: listen: \"localhost\" has no port (write host:port like "
                                     "127.0.0.1:9477, [::1]:9477, or :9477 for all addresses)"},
        BadFile{"watch: {select: {comm: [a, \"\"]}}",
                "knell.yaml:1: watch.select.comm: \"\" is an empty pattern (write \"*\" for everything)"},
        BadFile{"watch: {select: {cgroup: [\"!\"]}}",
                "knell.yaml:1: watch.select.cgroup: \"!\" is an empty pattern (write \"*\" for everything)"}));

INSTANTIATE_TEST_SUITE_P(
    Structure, ParseConfigError,
    testing::Values(
        BadFile{"rings: {size: 8MiB}", "knell.yaml:1: rings: unknown key (did you mean ring?)"},
        BadFile{"watch:\n  capacity: 10\n  minage: 1s\n",
                "knell.yaml:3: watch.minage: unknown key (did you mean min_age?)"},
        BadFile{"loop: {threads: 4}", "knell.yaml:1: loop.threads: unknown key (known here: backend)"},
        BadFile{"exporters: {\"\\e[31m\\n\": 1}",
                "knell.yaml:1: exporters.\\x1b[31m\\x0a: unknown key (known here: jsonl)"},
        BadFile{"ring:\n  size: 8MiB\n  coalesce: 1ms\n  size: 4MiB\n",
                "knell.yaml:4: ring.size: appears twice, first on line 2 (keep one)"},
        BadFile{"log: {}\nlog: {}\n", "knell.yaml:2: log: appears twice, first on line 1 (keep one)"},
        BadFile{"ring: 8MiB", "knell.yaml:1: ring: is a single value, not a map (write \"key: value\" pairs)"},
        BadFile{"\nwatch:\n  - capacity\n", "knell.yaml:2: watch: is a list, not a map (write \"key: value\" pairs)"},
        BadFile{"ring: {size: [8MiB]}", "knell.yaml:1: ring.size: is a list, not a single value (write a value, or "
                                        "remove the key for its default)"},
        BadFile{"listen: {host: a}", "knell.yaml:1: listen: is a map, not a single value (write a value, or remove the "
                                     "key for its default)"},
        BadFile{"ring:\n  size:\nlog: {}\n", "knell.yaml:2: ring.size: is empty, not a single value (write a value, or "
                                             "remove the key for its default)"},
        BadFile{"watch: {select: {comm: \"*\"}}",
                "knell.yaml:1: watch.select.comm: is a single value, not a list (write "
                "[a, b], or remove the key for its default)"},
        BadFile{"watch: {select: {comm: []}}", "knell.yaml:1: watch.select.comm: has 0 entries (write 1 to 64)"},
        BadFile{"watch:\n  select:\n    comm:\n      - a\n      - {b: c}\n",
                "knell.yaml:5: watch.select.comm: an entry is a map, not a single value (write text, in quotes if YAML "
                "reads it otherwise)"},
        BadFile{"watch: {select: {comm: [null]}}", "knell.yaml:1: watch.select.comm: an entry is empty, not a single "
                                                   "value (write text, in quotes if YAML reads it otherwise)"},
        BadFile{"exporters:\n  jsonl:\n",
                "knell.yaml:2: exporters.jsonl: has no value (write {} to turn it on with its "
                "defaults, or remove the key)"},
        BadFile{"exporters: {jsonl: true}",
                "knell.yaml:1: exporters.jsonl: is a single value, not a map (write \"key: value\" pairs)"},
        BadFile{"- listen\n", "knell.yaml:1: is a list, not a map (write \"key: value\" pairs)"},
        BadFile{"# hello\nlisten\n", "knell.yaml:2: is a single value, not a map (write \"key: value\" pairs)"},
        BadFile{"log: {level: info}\n[a]: b\n", "knell.yaml:2: a key that is not a word (write \"key: value\")"},
        BadFile{"a: &a {b: *a}", "knell.yaml:1: an alias inside of what it stands for (write the value out)"}));

INSTANTIATE_TEST_SUITE_P(
    Yaml, ParseConfigError,
    testing::Values(
        BadFile{"log: {level: info}\nring: {size: 8MiB\nloop: {}\n",
                "knell.yaml:3: not valid YAML: end of map flow not found (look for indentation, quotes or brackets on "
                "this line and before it)"},
        BadFile{"log:\n\tlevel: info\n",
                "knell.yaml:2: not valid YAML: illegal map value (look for indentation, quotes "
                "or brackets on this line and before it)"},
        BadFile{"listen: *nowhere", "knell.yaml:1: not valid YAML: the referenced anchor is not defined (look for "
                                    "indentation, quotes or brackets on this line and before it)"},
        BadFile{"listen: a:1\n---\nlisten: b:1\n", "knell.yaml:2: a second document" KEEP_ONE},
        BadFile{"  listen: a:1\n log: {}\n", "knell.yaml:2: a second document" KEEP_ONE},
        // From these the YAML library makes documents without end.
        BadFile{", listen: a:1\n", "knell.yaml:1: a second document" KEEP_ONE},
        BadFile{"[a] ,", "knell.yaml:1: a second document" KEEP_ONE},
        // A message of the library's repeats bytes of the file.
        BadFile{"listen: \"\\\r\"",
                "knell.yaml:1: not valid YAML: unknown escape character: \\x0d (look for indentation, "
                "quotes or brackets on this line and before it)"},
        BadFile{"listen: \"\\\u00e9\"", "knell.yaml:1: not valid YAML: unknown escape character: \uFFFD (look for "
                                        "indentation, quotes or brackets on this line and before it)"},
        BadFile{"log: {}\n# \xff\n", "knell.yaml:2: not UTF-8 text (save the file as UTF-8)"},
        // The YAML library would stop reading here and call the rest of the file well.
        BadFile{"log: {}\n\x04 nonsense: {\n",
                "knell.yaml:2: control character 0x04 (remove it; YAML allows only tabs and line ends)"}));

TEST(ParseConfig, AllProblemsAreReportedInTheOrderOfTheFile) {
    EXPECT_EQ(error_of("wach: {}\nlog:\n  level: 1\n  colour: true\nring: {size: 1, coalesce: 1}\nlisten: here\n"),
              "knell.yaml:1: wach: unknown key (did you mean watch?)\n"
              "knell.yaml:3: log.level: \"1\" is not known here (write one of debug, info, warn, error)\n"
              "knell.yaml:4: log.colour: unknown key (known here: level, format)\n"
              "knell.yaml:5: ring.size: \"1\" is out of range (write 64KiB to 1GiB)\n"
              "knell.yaml:5: ring.coalesce: \"1\" has no unit (write a number and us, ms, s, m, h or d, like 100ms)\n"
              "knell.yaml:6: listen: \"here\" has no port (write host:port like 127.0.0.1:9477, [::1]:9477, or :9477 "
              "for all addresses)");
}

TEST(ParseConfig, LongAndHostileTextIsShortenedAndEscaped) {
    const std::string message = error_of("listen: \"\\e]0;x\\a" + std::string(1000, 'y') + "\"");
    EXPECT_THAT(message, HasSubstr(R"(listen: "\x1b]0;x\x07yyy)"));
    EXPECT_THAT(message, HasSubstr("yyy...\" has no port"));
    EXPECT_LT(message.size(), 250U);
}

TEST(ParseConfig, ListsAreBounded) {
    std::string list;
    for (int i = 0; i < 65; ++i) {
        list += "a,";
    }
    EXPECT_EQ(error_of("watch: {select: {comm: [" + list + "]}}"),
              "knell.yaml:1: watch.select.comm: has 65 entries (write 1 to 64)");
    EXPECT_THAT(error_of("watch: {select: {comm: [" + std::string(257, 'x') + "]}}"),
                HasSubstr("...\" is longer than 256 bytes (shorten it with *)"));
}

TEST(ParseConfig, AFewAliasesCannotNameAnEnormousTree) {
    std::string text = "a0: &a0 [x]\n";
    for (int i = 1; i < 12; ++i) {
        const std::string below = "*a" + std::to_string(i - 1);
        text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
        for (int j = 0; j < 9; ++j) {
            text += below + ", ";
        }
        text += below + "]\n";
    }
    EXPECT_THAT(error_of(text), HasSubstr("more than 10000 values (mind what aliases repeat)"));
}

TEST(ParseConfig, DeepNestingFailsInsteadOfExhaustingTheStack) {
    EXPECT_THAT(error_of("a: " + std::string(100'000, '[')), HasSubstr("knell.yaml:1: nested too deeply"));
    EXPECT_THAT(error_of("a: " + std::string(20, '[') + std::string(20, ']')),
                HasSubstr("knell.yaml:1: nested too deeply"));
}

} // namespace
} // namespace knell
