#include "exporters/jsonl/event_json.hpp"

#include "agent/base/text.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string_view>

namespace knell {

namespace {

using Json = nlohmann::ordered_json; // a person reads these lines, too: time and what happened come first

void put_text(Json& json, const char* key, std::string_view value) {
    if (!value.empty()) {
        json[key] = to_utf8(value);
    }
}

void put_time(Json& json, const char* key, Instant value) {
    if (value != 0) {
        json[key] = format_rfc3339(to_unix_ns(value));
    }
}

void put_seconds(Json& json, const char* key, const std::optional<Nanoseconds>& value) {
    if (value) {
        json[key] = to_seconds(*value);
    }
}

template <typename T>
void put_number(Json& json, const char* key, const std::optional<T>& value) {
    if (value) {
        json[key] = *value;
    }
}

// For numbers whose zero means "none" in the event.
template <typename T>
void put_nonzero(Json& json, const char* key, T value) {
    if (value != 0) {
        json[key] = value;
    }
}

void put_signal(Json& json, const char* key, int number) {
    if (number != 0) {
        json[key] = signal_name(number);
    }
}

void put_process(Json& json, const ProcessIdentity& process) {
    put_nonzero(json, "pid", process.pid);
    put_nonzero(json, "ppid", process.ppid);
    put_number(json, "uid", process.uid);
    put_text(json, "comm", process.comm);
    put_time(json, "start_time", process.start);
}

void put_place(Json& json, const ProcessIdentity& process) {
    if (const Place* place = process.place.get()) {
        put_text(json, "cgroup", place->cgroup);
        put_text(json, "namespace", place->name_space);
        put_text(json, "pod", place->pod);
        put_text(json, "container", place->container);
        put_text(json, "unit", place->unit);
    }
    put_nonzero(json, "pidfd_inode", process.pidfd_inode);
}

void put_killer(Json& json, const Killer& killer) {
    Json object = Json::object();
    put_number(object, "pid", killer.pid);
    put_text(object, "comm", killer.comm);
    put_text(object, "exe", killer.exe);
    put_number(object, "uid", killer.uid);
    object["class"] = name(killer.kind);
    json["killer"] = std::move(object);
}

void put_cause(Json& json, const Exit& exit) {
    json["reason"] = name(exit.reason);
    put_number(json, "exit_code", exit.exit_code);
    put_signal(json, "signal", exit.signal);
    if (exit.signal != 0) {
        json["core_dumped"] = exit.core_dumped;
    }
    if (exit.oom_scope) {
        json["oom_scope"] = name(*exit.oom_scope);
    }
    if (exit.killer) {
        put_killer(json, *exit.killer);
    }
    put_signal(json, "preceded_by", exit.preceded_by);
}

void put_resources(Json& json, const Resources& used) {
    json["user_seconds"] = to_seconds(used.user);
    json["system_seconds"] = to_seconds(used.system);
    put_nonzero(json, "peak_rss_bytes", used.peak_rss_bytes);
    json["minor_faults"] = used.minor_faults;
    json["major_faults"] = used.major_faults;
}

Json started(const char* event, Instant time, const ProcessIdentity& process) {
    Json json = Json::object();
    put_time(json, "time", time);
    json["event"] = event;
    put_process(json, process);
    return json;
}

Json describe(const Exit& exit) {
    Json json = started("exit", exit.time, exit.process);
    put_text(json, "exe", exit.exe);
    if (exit.process.start != 0) {
        put_seconds(json, "lifetime_seconds", elapsed(exit.process.start, exit.time));
    }
    put_cause(json, exit);
    if (exit.resources) {
        put_resources(json, *exit.resources);
    }
    put_place(json, exit.process);
    put_seconds(json, "teardown_seconds", exit.teardown);
    put_seconds(json, "reaction_seconds", exit.reaction);
    json["detail"] = exit.spilled != 0 ? "spilled" : "full";
    put_nonzero(json, "count", exit.spilled);
    return json;
}

Json describe(const Reap& reap) {
    Json json = started("reap", reap.time, reap.process);
    put_place(json, reap.process);
    put_seconds(json, "reap_seconds", reap.reap);
    return json;
}

Json describe(const Exec& exec) {
    Json json = started("exec", exec.time, exec.process);
    put_place(json, exec.process);
    return json;
}

Json describe(const PidfdOpen& open) {
    Json json = Json::object();
    put_time(json, "time", open.time);
    json["event"] = "pidfd_open";
    Json opener = Json::object();
    put_process(opener, open.process);
    put_place(opener, open.process);
    json["opener"] = std::move(opener);
    Json target = Json::object();
    put_nonzero(target, "pid", open.target_pid);
    put_text(target, "comm", open.target_comm);
    put_nonzero(target, "pidfd_inode", open.target_inode);
    json["target"] = std::move(target);
    json["via"] = name_of(kPidfdViaNames, open.via);
    return json;
}

} // namespace

std::string to_json(const Event& event) {
    return std::visit([](const auto& happened) { return describe(happened).dump(); }, event);
}

} // namespace knell
