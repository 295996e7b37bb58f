// Bytes from the ring, and what records with such bytes in them come to: facts, a verdict, an event, its text.
#include "agent/attribution/make_place.hpp"
#include "agent/cause/signature.hpp"
#include "agent/observer/record_events.hpp"
#include "agent/observer/sender_place.hpp"
#include "agent/probe/decode.hpp"
#include "tests/fuzz/event_promises.hpp"
#include "tests/fuzz/promise.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace knell::fuzz {
namespace {

constexpr std::size_t kSizes[] = {0, sizeof(knell_fork), sizeof(knell_exec), sizeof(knell_exit), sizeof(knell_pidfd)};

void check_verdict(const Verdict& verdict, const ExitFacts& facts) {
    require(verdict.exit_code.has_value() == (verdict.signal == 0), "a death has a code or a signal");
    require(verdict.killer.has_value() == (verdict.signal != 0), "only signals have senders");
    require(verdict.oom_scope.has_value() == (verdict.reason == Reason::oom_kill), "only the OOM killer has a scope");
    require(!verdict.core_dumped || verdict.signal != 0, "only signals dump core");
    require(!verdict.killer || verdict.killer->uid || verdict.killer->comm.empty(), "bystanders are not named");
    require(verdict.preceded_by == 0 || verdict.preceded_by == facts.stop_signal, "the stop request was seen");
    require(verdict.reason != Reason::unknown, "a wait status says something");
}

std::shared_ptr<const Place> place_named(const knell_process& process) {
    static const auto kContainer = std::make_shared<const Place>(make_place(
        "/docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", AttributionMode::automatic));
    static const auto kUnit =
        std::make_shared<const Place>(make_place("/system.slice/kubelet.service", AttributionMode::automatic));
    return process.cgroup_id % 3 == 0 ? nullptr : process.cgroup_id % 3 == 1 ? kContainer : kUnit;
}

void tell(UndecodableRecord /*none*/) {}

void tell(const knell_fork* fork) {
    (void)identify(fork->child, place_named(fork->child));
}

void tell(const knell_exec* exec) {
    check_event(Exec{identify(exec->process, place_named(exec->process)), exec->head.time_ns});
}

void tell(const knell_exit* record) {
    Exit exit;
    exit.process = identify(record->process, place_named(record->process));
    exit.time = record->head.time_ns;
    exit.exe = text_of(record->exe);
    for (const bool observed : {false, true}) {
        const ExitFacts facts = facts_of(*record, observed);
        const auto sender = record->fatal.cgroup_id % 2 == 0 ? nullptr : place_named(record->process);
        static_cast<Verdict&>(exit) = explain(facts, compare_places(sender.get(), exit.process.place.get()));
        check_verdict(exit, facts);
    }
    exit.resources = resources_of(*record);
    require(exit.resources->user + exit.resources->system == record->run_ns, "no CPU time is lost or made up");
    check_event(exit);
}

void tell(const knell_pidfd* opened) {
    check_event(pidfd_open_of(*opened, place_named(opened->opener)));
}

// In memory of exactly their size, which AddressSanitizer guards: who reads beyond, is seen.
void check_decoding(std::span<const std::byte> input) {
    const std::vector<std::byte> bytes(input.begin(), input.end());
    const Record record = decode(bytes);
    require(record.index() == 0 || bytes.size() == kSizes[record.index()], "a record has its size");
    std::visit([](const auto& decoded) { tell(decoded); }, record);
    if (!bytes.empty()) {
        require(decode(std::span(bytes).subspan(1)).index() == 0, "a record is aligned");
    }
}

// The input as the body of a record that decodes.
void check_body(std::span<const std::byte> input, knell_u16 type) {
    std::vector<std::byte> bytes(kSizes[type]);
    std::ranges::copy(input.first(std::min(input.size(), bytes.size())), bytes.begin());
    const knell_u16 head[] = {type, static_cast<knell_u16>(bytes.size())};
    std::memcpy(bytes.data(), head, sizeof(head));
    const Record record = decode(bytes);
    require(record.index() == type, "a whole record decodes");
    std::visit([](const auto& decoded) { tell(decoded); }, record);
}

} // namespace
} // namespace knell::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace knell;
    const auto input = std::as_bytes(std::span(data, size));
    fuzz::check_decoding(input);
    for (const knell_u16 type : {KNELL_RECORD_FORK, KNELL_RECORD_EXEC, KNELL_RECORD_EXIT, KNELL_RECORD_PIDFD}) {
        fuzz::check_body(input, type);
    }
    return 0;
}
