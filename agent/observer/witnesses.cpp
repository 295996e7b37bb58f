#include "agent/observer/witnesses.hpp"

#include <sys/wait.h>

namespace knell {

void Witnesses::compare(int recorded, int collected) {
    const auto check = [this](WitnessField field, bool agree) {
        if (!agree) {
            disagreements_[static_cast<std::size_t>(field)].add();
        }
    };
    check(WitnessField::exit_code, WEXITSTATUS(recorded) == WEXITSTATUS(collected));
    check(WitnessField::signal, WTERMSIG(recorded) == WTERMSIG(collected));
    check(WitnessField::core_dumped, WCOREDUMP(recorded) == WCOREDUMP(collected));
}

} // namespace knell
