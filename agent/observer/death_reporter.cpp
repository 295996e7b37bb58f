#include "agent/observer/death_reporter.hpp"

#include "agent/cause/signature.hpp"
#include "agent/observer/record_events.hpp"
#include "agent/observer/sender_place.hpp"
#include "agent/pidfd/features.hpp"
#include "agent/pidfd/procfd.hpp"
#include "agent/pidfd/stat.hpp"

namespace knell {

// What is known about a watched process's death so far.
struct DeathReporter::Note final : WatchNote {
    Exit exit;                   // process identity; the rest once it is `explained`
    std::optional<int> recorded; // the wait status of the exit record
    bool explained = false;
    bool told = false;
    bool before_us = false; // dead before we came: nothing is said of its end
    ZombieNode zombie;
};

void DeathReporter::exited(const knell_exit& record, Watch* watch) {
    if (watch == nullptr) {
        events_.on_event(explain_record(record, nullptr));
        return;
    }
    auto* note = static_cast<Note*>(watch->note());
    if (note == nullptr) {
        auto fresh = std::make_unique<Note>();
        note = fresh.get();
        watch->set_note(std::move(fresh));
    }
    note->exit = explain_record(record, note->exit.process.place);
    note->recorded = record.status;
    note->explained = true;
    if (watch->ended()) { // the pidfd was faster than the ring
        complete_when_stamped(*watch, *note);
    }
}

void DeathReporter::spilled(const knell_spill_key& key, const knell_spill_value& value) {
    knell_exit record{};
    record.head.time_ns = value.last_ns;
    record.process.cgroup_id = key.cgroup_id;
    record.process.cgroup_v1_id = key.cgroup_v1_id;
    record.status = key.status;
    record.flags = key.flags;
    record.stop_signal = key.stop_signal;
    record.fatal = key.fatal;
    Exit exit = explain_record(record, nullptr, value.exits);
    exit.resources.reset();
    exit.process.uid.reset();
    exit.spilled = value.exits;
    events_.on_event(exit);
}

void DeathReporter::execed(const knell_exec& record) {
    events_.on_event(Exec{identify(record.process, places_.find(cgroups_of(record.process))), record.head.time_ns});
}

Exit DeathReporter::explain_record(const knell_exit& record, std::shared_ptr<const Place> before, std::uint64_t exits) {
    Exit exit;
    exit.process =
        identify(record.process, places_.find_for_exit(cgroups_of(record.process), std::move(before), exits));
    exit.time = record.head.time_ns;
    const ExitFacts facts = facts_of(record, sources_.observes_signals);
    if (const knell_signal* fatal = fatal_signal(facts)) {
        const auto sender = places_.find({fatal->cgroup_id, fatal->cgroup_v1_id});
        static_cast<Verdict&>(exit) = explain(facts, compare_places(sender.get(), exit.process.place.get()));
    } else {
        static_cast<Verdict&>(exit) = explain(facts);
    }
    if (record.stop_request_ns != 0) {
        exit.since_stop_request = elapsed(record.stop_request_ns, exit.time);
    }
    exit.resources = resources_of(record);
    exit.exe = text_of(record.exe);
    return exit;
}

Selection DeathReporter::selects(const knell_process& process, const Fd* proc_directory) {
    if ((select_.process && !select_.process(process)) || !select_.comm.selects(std::string(text_of(process.comm)))) {
        return Selection::no;
    }
    if (select_.cgroup.everything()) {
        return Selection::yes;
    }
    const auto place = place_of(process, proc_directory);
    if (!place) {
        return Selection::unknown;
    }
    return select_.cgroup.selects(place->cgroup) ? Selection::yes : Selection::no;
}

std::shared_ptr<const Place> DeathReporter::place_of(const knell_process& process, const Fd* proc_directory) {
    return proc_directory != nullptr ? places_.find_for_process(*proc_directory) : places_.find(cgroups_of(process));
}

void DeathReporter::watched(Watch& watch, const knell_process& process, const Fd* proc_directory) {
    if (proc_directory == nullptr) {
        return; // its exit record will say everything
    }
    auto place = place_of(process, proc_directory); // first sight: its series start at zero
    const auto stat = procfd::read_stat(*proc_directory);
    const bool zombie = stat && stat->zombie();
    if (sources_.exit_records && !zombie) {
        return; // as above: a note for each of ten thousand sleepers would be most of what a watch takes
    }
    auto note = std::make_unique<Note>();
    note->exit.process = identify(process, std::move(place));
    note->exit.process.uid.reset(); // /proc shows who may access the files, not who the process runs as
    // Without records, a zombie from before our time would look like a death that happens now.
    note->before_us = !sources_.exit_records && zombie && process.start_ns < began_;
    watch.set_note(std::move(note));
}

void DeathReporter::ended(Watch& watch, Instant now) {
    auto* note = static_cast<Note*>(watch.note());
    if (note == nullptr) {
        note = &note_without_record(watch);
    }
    if (!sources_.exit_records) {
        note->exit.time = now;
        explain_by_pidfd(watch, *note);
    }
    if (note->explained) {
        complete_when_stamped(watch, *note);
    } else {
        // A zombie since before we came, or one whose status we may not read: it waits to be collected all the same.
        ledger_.workload(note->exit.process.place).zombies().add(note->zombie, now);
    }
}

// Its exit record is still in the ring, or was lost: a zombie it is in any case, and /proc still knows where.
DeathReporter::Note& DeathReporter::note_without_record(Watch& watch) {
    auto note = std::make_unique<Note>();
    Note& noted = *note;
    if (const auto directory = procfd::open(watch.pidfd())) {
        noted.exit.process.place = places_.find_for_process(*directory);
    }
    watch.set_note(std::move(note));
    return noted;
}

// Without BPF: the status of a zombie is in /proc for those who may trace it, that of a reaped process in its pidfd.
void DeathReporter::explain_by_pidfd(Watch& watch, Note& note) {
    ExitFacts facts;
    facts.status = watch.pidfd().exit_status();
    if (facts.status) {
        static_cast<Verdict&>(note.exit) = explain(facts);
        note.explained = true;
    }
}

// exit_notify() wakes the pidfd's pollers first and stamps when it then sends SIGCHLD (bpf/signal.bpf.c): on another
// CPU we may be here before the stamp. To tell the death without its times would lose just the fastest reactions.
void DeathReporter::complete_when_stamped(Watch& watch, Note& note) {
    const WatchedEnd end = watch.end();
    if (sources_.observes_signals && end.exit != 0 && end.notify == 0) {
        unstamped_.push_back(&watch);
    } else {
        complete(note, end);
    }
}

void DeathReporter::tell_late(Instant now) {
    std::erase_if(unstamped_, [&](Watch* watch) {
        const WatchedEnd end = watch->end();
        const bool settled = end.notify != 0 || elapsed(end.noticed, now) >= kStampPatience;
        if (settled) {
            complete(*static_cast<Note*>(watch->note()), end);
        }
        return settled;
    });
}

std::optional<Instant> DeathReporter::next_late() const {
    return unstamped_.empty() ? std::nullopt : std::optional(unstamped_.front()->end().noticed + kStampPatience);
}

// A process that was collected is past exit_notify(): a stamp that is not there by now will not come.
void DeathReporter::stop_waiting(Watch& watch, Note& note) {
    if (std::erase(unstamped_, &watch) != 0) {
        complete(note, watch.end());
    }
}

// Adds the watch's times, tells the death and counts the zombie.
void DeathReporter::complete(Note& note, const WatchedEnd& end) {
    if (end.notify != 0) {
        note.exit.teardown = elapsed(end.exit, end.notify);
        note.exit.reaction = elapsed(end.notify, end.noticed);
    }
    const Instant since = end.notify != 0 ? end.notify : end.noticed;
    ledger_.workload(note.exit.process.place).zombies().add(note.zombie, since);
    tell(note);
}

void DeathReporter::tell(Note& note) {
    if (note.explained && !note.told && !note.before_us) {
        note.told = true;
        events_.on_event(note.exit);
    }
}

void DeathReporter::reaped(Watch& watch, Instant now) {
    auto* note = static_cast<Note*>(watch.note());
    if (note == nullptr) {
        return;
    }
    if (!sources_.exit_records && !note->explained) {
        explain_by_pidfd(watch, *note);
        tell(*note);
    }
    stop_waiting(watch, *note);
    if (note->recorded && available(PidfdFeature::exit_info)) {
        if (const auto collected = watch.pidfd().exit_status()) {
            witnesses_.compare(*note->recorded, *collected);
        }
    }
    if (!note->told) {
        return; // dead before we came: nothing was said of its end, nothing is said of its reap
    }
    const WatchedEnd end = watch.end();
    const Instant since = end.notify != 0 ? end.notify : end.noticed;
    events_.on_event(Reap{note->exit.process, now, elapsed(since, now)});
}

void DeathReporter::released(Watch& watch) {
    auto* note = static_cast<Note*>(watch.note());
    if (note == nullptr) {
        return;
    }
    stop_waiting(watch, *note);
    // Given up before its pidfd answered, or ended where nobody tells how: the death is told with what is known.
    note->explained = note->explained || (!sources_.exit_records && watch.ended());
    tell(*note);
}

} // namespace knell
