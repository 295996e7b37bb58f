#include "agent/ledger/place_index.hpp"

namespace knell {

PlaceIndex::Entry* PlaceIndex::find(const Place* place) {
    const auto found = entries_.find(place);
    return found != entries_.end() ? &found.value() : nullptr;
}

void PlaceIndex::insert(const std::shared_ptr<const Place>& place, Tenant& tenant) {
    entries_.emplace(place.get(), Entry{.place = place, .tenant = &tenant});
}

} // namespace knell
