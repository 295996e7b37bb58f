#include "agent/loop/epoll_loop.hpp"
#include "agent/loop/loop.hpp"
#include "agent/loop/uring_loop.hpp"
#include "agent/loop/uring_refusal.hpp"

#include <fmt/format.h>

namespace knell {

namespace {

Result<std::unique_ptr<UringLoop>> make_uring_loop() {
    Result<std::unique_ptr<UringLoop>> loop = UringLoop::make({});
    if (!loop && loop.error().errno_value != 0) {
        Error& error = loop.error();
        error.message += fmt::format(" ({})", explain_uring_refusal(error.errno_value, read_uring_disabled()));
    }
    return loop;
}

} // namespace

Result<LoopChoice> make_loop(BackendChoice choice) {
    LoopChoice made;
    if (choice != BackendChoice::epoll) {
        Result<std::unique_ptr<UringLoop>> loop = make_uring_loop();
        if (loop) {
            made.loop = std::move(*loop);
            return made;
        }
        if (choice == BackendChoice::io_uring) {
            return std::unexpected(std::move(loop.error()));
        }
        made.why_not_io_uring = std::move(loop.error().message);
    }
    Result<std::unique_ptr<EpollLoop>> loop = EpollLoop::make();
    if (!loop) {
        return std::unexpected(std::move(loop.error()));
    }
    made.loop = std::move(*loop);
    return made;
}

} // namespace knell
