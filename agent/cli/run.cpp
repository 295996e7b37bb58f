#include "agent/base/log.hpp"
#include "agent/base/text.hpp"
#include "agent/cli/commands.hpp"
#include "agent/cli/confinement.hpp"
#include "agent/cli/console.hpp"
#include "agent/cli/settings.hpp"
#include "agent/cli/shutdown.hpp"
#include "exporters/jsonl/jsonl_sink.hpp"
#include "exporters/prometheus/http_server.hpp"
#include "exporters/prometheus/recent.hpp"
#include "exporters/prometheus/routes.hpp"
#include "version.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <map>
#include <string>
#include <vector>

namespace knell {
namespace {

// The running agent: what is fixed at the start, and what a reload may replace.
class Agent {
  public:
    static Result<std::unique_ptr<Agent>> start(const RunArguments& arguments, Config config);

    Result<> run() { return loop_->run(*observer_); }
    void finish();

  private:
    explicit Agent(RunArguments arguments) : arguments_(std::move(arguments)) {}

    Result<> open(const Config& config);
    void give_up();
    Result<> use_exporters(const Config& config);
    Result<> show_deaths();
    void reload();
    void say_what_runs() const;
    [[nodiscard]] std::string metrics_url() const;

    RunArguments arguments_;
    Config config_;
    std::unique_ptr<Loop> loop_;
    std::unique_ptr<SignalWatch> signals_;
    RecentDeaths recent_;
    std::unique_ptr<JsonlSink> jsonl_;
    std::unique_ptr<ConsoleSink> console_;
    std::unique_ptr<Observer> observer_;
    std::unique_ptr<HttpServer> server_;
    Confinement confinement_;
};

Result<Config> read_config(const RunArguments& arguments) {
    Config config;
    if (!arguments.config_path.empty()) {
        auto loaded = load_config(arguments.config_path);
        if (!loaded) {
            return loaded;
        }
        config = std::move(*loaded);
    }
    if (!arguments.listen.empty()) {
        config.listen = arguments.listen;
    }
    return config;
}

bool writes_to_stdout(const Config& config) {
    return config.jsonl && config.jsonl->path == "-";
}

Result<std::unique_ptr<Agent>> Agent::start(const RunArguments& arguments, Config config) {
    std::unique_ptr<Agent> agent(new Agent(arguments));
    if (auto opened = agent->open(config); !opened) {
        agent->give_up();
        return std::unexpected(std::move(opened.error()));
    }
    agent->config_ = std::move(config);
    agent->say_what_runs();
    agent->confinement_.restrict_calls();
    if (auto shown = agent->show_deaths(); !shown) {
        agent->give_up();
        return std::unexpected(std::move(shown.error()));
    }
    return agent;
}

Result<> Agent::open(const Config& config) {
    log::configure(config.log.level, config.log.format);
    auto choice = make_loop(config.loop_backend);
    if (!choice) {
        return std::unexpected(std::move(choice.error()));
    }
    loop_ = std::move(choice->loop);
    // Before any thread starts, so that all inherit the blocked signals.
    auto signals = stop_on_signals(*loop_, [this] { reload(); });
    if (!signals) {
        return std::unexpected(std::move(signals.error()));
    }
    signals_ = std::move(*signals);

    auto socket = open_listen_socket(config.listen);
    if (!socket) {
        return std::unexpected(std::move(socket.error()));
    }
    ObserverOptions options = observer_options(config);
    options.why_not_io_uring = choice->why_not_io_uring;
    auto observer = Observer::start(options, *loop_);
    if (!observer) {
        return std::unexpected(std::move(observer.error()));
    }
    observer_ = std::move(*observer);
    if (auto used = use_exporters(config); !used) {
        return used;
    }
    // Everything is open, and no other thread has started yet: it will be restricted like this one.
    confinement_.restrict_process(arguments_, config, observer_->bpf());
    const RouteOptions routes{.build = {KNELL_VERSION, KNELL_REVISION, KNELL_LIBBPF_VERSION, KNELL_LIBURING_VERSION},
                              .created_timestamps = config.metrics.created_timestamps};
    auto server = HttpServer::start(std::move(*socket), make_routes(observer_->ledger(), *observer_, recent_, routes));
    if (!server) {
        return std::unexpected(std::move(server.error()));
    }
    server_ = std::move(*server);
    return {};
}

// After a start that failed: what waits for an agent goes on waiting, and nothing is left running that was not there.
// Ours goes on where it has stopped what was there.
void Agent::give_up() {
    if (observer_ && !observer_->took_over() && !observer_->replaced_others()) {
        if (auto removed = observer_->unpin(); !removed) {
            log::warn("something stays pinned: {}; `knell unpin` removes it", removed.error().message);
        }
    }
}

// The sinks of a configuration; the ones in use stay when the new ones cannot be opened.
Result<> Agent::use_exporters(const Config& config) {
    std::unique_ptr<JsonlSink> jsonl;
    if (config.jsonl) {
        auto opened = JsonlSink::open(config.jsonl->path, config.jsonl->reasons, observer_->lost_lines());
        if (!opened) {
            return failure_in("exporters.jsonl", confinement_.explain(std::move(opened.error()), config.jsonl->path));
        }
        jsonl = std::move(*opened);
    }
    std::vector<EventSink*> sinks{&recent_};
    if (jsonl) {
        sinks.push_back(jsonl.get());
    }
    if (console_ && !writes_to_stdout(config)) {
        sinks.push_back(console_.get());
    }
    observer_->set_sinks(std::move(sinks));
    jsonl_ = std::move(jsonl);
    return {};
}

// A person at a terminal sees deaths as they happen, unless the terminal is where the JSON lines go. Last, so that the
// table's header stands right above its first row.
Result<> Agent::show_deaths() {
    if (::isatty(STDOUT_FILENO) != 1 || writes_to_stdout(config_)) {
        return {};
    }
    console_ = std::make_unique<ConsoleSink>(console_options(STDOUT_FILENO), [] {});
    return use_exporters(config_);
}

void Agent::finish() {
    observer_->finish();
    if (config_.state.keep_on_exit) {
        return;
    }
    if (auto removed = observer_->unpin(); !removed) {
        log::warn("state.keep_on_exit is false, and something stays: {}; `knell unpin` removes it",
                  removed.error().message);
    }
}

void Agent::reload() {
    auto wanted = read_config(arguments_);
    if (wanted) {
        if (auto used = use_exporters(*wanted); !used) {
            wanted = std::unexpected(std::move(used.error()));
        }
    }
    observer_->note_reload(wanted.has_value());
    if (!wanted) {
        log::error("reload: the configuration in use stays: {}", wanted.error().message);
        return;
    }
    const std::vector<std::string> kept = keep_until_restart(config_, *wanted);
    config_ = std::move(*wanted);
    log::configure(config_.log.level, config_.log.format);
    for (const std::string& key : kept) {
        log::warn("reload: {} changed and takes effect at the next start", key);
    }
    if (auto selected = observer_->set_select(watch_select(config_)); !selected) {
        log::warn("reload: watch.select holds for new processes only: {}", selected.error().message);
    }
    observer_->set_min_age(config_.watch.pool.min_age);
    log::info("reload: the new configuration is in use");
}

// As a person on this node would open it, with the port that the kernel chose for port 0.
std::string Agent::metrics_url() const {
    const std::string host = config_.listen.substr(0, config_.listen.rfind(':'));
    return fmt::format("http://{}:{}/metrics", host.empty() ? "localhost" : host, server_->port());
}

void Agent::say_what_runs() const {
    log::info("knell {}: metrics on {}", KNELL_VERSION, metrics_url());
    std::map<std::string, std::vector<std::string>> off; // by why: one refusal often takes several features with it
    for (const Feature& feature : observer_->features()) {
        if (feature.on()) {
            log::info("{}: {}{}", feature.name, feature.hook,
                      feature.why_not.empty() ? "" : " (" + feature.why_not + ")");
        } else {
            off[feature.why_not].push_back(feature.name);
        }
    }
    for (const auto& [why, names] : off) {
        log::warn("{}: off: {}", fmt::join(names, ", "), why);
    }
    if (!observer_->bpf()) {
        log::warn("running on pidfds and /proc alone: `knell doctor` explains what is missing and how to turn it on");
    }
}

} // namespace

Result<> run_agent(const RunArguments& arguments) {
    auto config = read_config(arguments);
    if (!config) {
        return std::unexpected(std::move(config.error()));
    }
    auto agent = Agent::start(arguments, std::move(*config));
    if (!agent) {
        return std::unexpected(std::move(agent.error()));
    }
    auto ended = (*agent)->run();
    log::info("leaving");
    (*agent)->finish();
    return ended;
}

Result<> check_config(const std::string& path) {
    auto config = load_config(path);
    if (!config) {
        return std::unexpected(std::move(config.error()));
    }
    fmt::print("{}: ok\n", to_terminal(path));
    return {};
}

} // namespace knell
