#include "agent/ledger/ledger.hpp"

#include "agent/ledger/place_index.hpp"

#include <algorithm>
#include <utility>

namespace knell {

namespace {

// A container that restarts in a loop leaves one gone place per restart for as long as `retain`. This many places for
// each workload that fits are remembered. Beyond that, places of known workloads are looked up by their labels at each
// event, and those of new ones fold: memory is bounded by places as it is by series.
constexpr std::size_t kPlacesPerWorkload = 4;

// What was spilled has no name that could be told.
void note_last(Lazy<ExemplarCell>& last, const Exit& exit) {
    if (exit.spilled == 0) {
        ExemplarCell* known = last.get();
        (known != nullptr ? *known : last.create()).set(exit.process, exit.time);
    }
}

int bounded_signal(int number) {
    return number > 0 && number <= kLastSignal ? number : 0;
}

} // namespace

Ledger::Ledger(LedgerLimits limits) : limits_(limits) {
    limits_.max_series = std::max(limits_.max_series, kMinSeries);
    place_capacity_ = limits_.max_series / Workload::kFixedSeries * kPlacesPerWorkload;
    places_ = std::make_unique<PlaceIndex>(place_capacity_);
    (void)take_room(nullptr, Workload::kFixedSeries); // kMinSeries leaves it
    Tenant& unplaced = add_tenant(Labels{});
    unplaced.places = 1; // never forgotten
    unplaced_ = unplaced.workload.get();
}

Ledger::~Ledger() = default;

void Ledger::on_event(const Event& event) {
    if (const auto* exit = std::get_if<Exit>(&event)) {
        count_exit(*exit);
    } else if (const auto* reap = std::get_if<Reap>(&event); reap != nullptr && reap->reap) {
        histogram_of(workload(reap->process.place), &Workload::reap_, reap->time)
            .observe(*reap->reap, reap->process, reap->time);
    }
}

void Ledger::count_exit(const Exit& exit) {
    Workload& counts = workload(exit.process.place);
    const std::uint64_t count = exit.count();
    counts.exits_[static_cast<std::size_t>(exit.reason)].add(count);
    note_last(counts.last_exits_[static_cast<std::size_t>(exit.reason)], exit);
    if (exit.exit_code) {
        counts.exit_codes_[exit_code_class(*exit.exit_code)].add(count);
    }
    if (exit.signal != 0) {
        const int signal = bounded_signal(exit.signal);
        const KillerClass killer = exit.killer ? exit.killer->kind : KillerClass::unknown;
        counter_of(counts, &Workload::exit_signals_, {signal, exit.core_dumped}, exit.time).add(count);
        counter_of(counts, &Workload::kills_, {signal, killer}, exit.time).add(count);
    }
    if (exit.oom_scope) {
        counts.oom_kills_[static_cast<std::size_t>(*exit.oom_scope)].add(count);
        note_last(counts.last_oom_kills_[static_cast<std::size_t>(*exit.oom_scope)], exit);
    }
    if (exit.since_stop_request) {
        histogram_of(counts, &Workload::termination_, exit.time)
            .observe(*exit.since_stop_request, exit.process, exit.time);
    }
    if (exit.teardown) {
        teardown_.observe(*exit.teardown, exit.process, exit.time);
    }
    if (exit.reaction) {
        reaction_.observe(*exit.reaction, exit.process, exit.time);
    }
}

template <typename Key>
Counter& Ledger::counter_of(Workload& workload, SparseCounters<Key> Workload::* counters,
                            const std::type_identity_t<Key>& key, Instant now) {
    SparseCounters<Key>& known = workload.*counters;
    if (Counter* counter = known.find(key)) {
        return *counter;
    }
    return take_room(&workload, 1) ? known.append(key, now) : counter_of(fold(), counters, key, now);
}

Histogram& Ledger::histogram_of(Workload& workload, Lazy<Histogram> Workload::* histogram, Instant now) {
    Lazy<Histogram>& lazy = workload.*histogram;
    if (Histogram* known = lazy.get()) {
        return *known;
    }
    return take_room(&workload, Workload::kHistogramSeries) ? lazy.create(now) : histogram_of(fold(), histogram, now);
}

void Ledger::discover(const std::shared_ptr<const Place>& place) {
    (void)workload(place);
}

Workload& Ledger::workload(const std::shared_ptr<const Place>& place) {
    if (place == nullptr) {
        return *unplaced_;
    }
    const PlaceIndex::Entry* known = places_->find(place.get());
    return known != nullptr ? *known->tenant->workload : settle(place);
}

Workload& Ledger::settle(const std::shared_ptr<const Place>& place) {
    if (place->name_space == kOverflowNamespace) {
        return overflow(); // a place that calls itself so must not become a second set of the same series
    }
    Labels labels{.name_space = place->name_space,
                  .container = place->container,
                  .unit = place->unit,
                  .pod = limits_.pod_label ? place->pod : std::string()};
    auto found = tenants_.find(labels);
    if (found == tenants_.end() && (places_->full() || !take_room(nullptr, Workload::kFixedSeries))) {
        return fold();
    }
    Tenant& tenant = found != tenants_.end() ? found->second : add_tenant(std::move(labels));
    if (!places_->full()) {
        places_->insert(place, tenant);
        place_count_.add();
        ++tenant.places;
    }
    return *tenant.workload;
}

Tenant& Ledger::add_tenant(Labels labels) {
    auto workload = std::make_shared<Workload>(labels, monotonic_now());
    publish(workload);
    return tenants_.try_emplace(std::move(labels), Tenant{.workload = std::move(workload)}).first->second;
}

Workload& Ledger::overflow() {
    if (overflow_ == nullptr) {
        overflow_ = std::make_shared<Workload>(
            Labels{.name_space = std::string(kOverflowNamespace), .container = {}, .unit = {}, .pod = {}},
            monotonic_now());
        (void)take_room(overflow_.get(), Workload::kFixedSeries); // always granted
        publish(overflow_);
    }
    return *overflow_;
}

Workload& Ledger::fold() {
    series_overflow_.add();
    return overflow();
}

bool Ledger::take_room(const Workload* workload, std::size_t series) {
    const bool reserved = workload != nullptr && workload == overflow_.get();
    if (!reserved) {
        if (ordinary_series_ + series > limits_.max_series - kOverflowReserve) {
            return false;
        }
        ordinary_series_ += series;
    }
    series_.add(series);
    return true;
}

void Ledger::place_gone(const std::shared_ptr<const Place>& place, Instant now) {
    PlaceIndex::Entry* entry = places_->find(place.get());
    if (entry != nullptr && !entry->gone) {
        entry->gone = true;
        gone_.push_back({place, now});
    }
}

void Ledger::forget_gone(Instant now) {
    for (std::size_t left = gone_.size(); left > 0 && elapsed(gone_.front().since, now) >= limits_.retain; --left) {
        const GonePlace gone = std::move(gone_.front());
        gone_.pop_front();
        Tenant& tenant = *places_->find(gone.place.get())->tenant;
        if (tenant.workload->zombies().count() != 0) {
            gone_.push_back({gone.place, now}); // their reaping is still to be counted
            continue;
        }
        places_->erase(gone.place.get());
        place_count_.subtract();
        if (--tenant.places == 0) {
            forget(tenant);
        }
    }
}

void Ledger::forget(const Tenant& tenant) {
    const std::shared_ptr<Workload> workload = tenant.workload; // its memory is freed after the lock is
    const std::size_t series = workload->series();
    ordinary_series_ -= series;
    series_.subtract(series);
    tenants_.erase(workload->labels());
    const std::lock_guard lock(published_mutex_);
    std::erase(published_, workload);
}

void Ledger::publish(std::shared_ptr<const Workload> workload) {
    const std::lock_guard lock(published_mutex_);
    published_.push_back(std::move(workload));
}

std::vector<std::shared_ptr<const Workload>> Ledger::workloads() const {
    const std::lock_guard lock(published_mutex_);
    return published_;
}

} // namespace knell
