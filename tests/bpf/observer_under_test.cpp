#include "tests/bpf/observer_under_test.hpp"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <utility>

namespace knell::test {

std::optional<std::string> why_not_here() {
    if (::geteuid() != 0) {
        return "loading BPF programs needs root";
    }
    if (!std::filesystem::exists("/sys/kernel/btf/vmlinux")) {
        return "the kernel has no BTF (/sys/kernel/btf/vmlinux)";
    }
    return std::nullopt;
}

Result<std::unique_ptr<ObserverUnderTest>> ObserverUnderTest::start(const ObserverOptions& options,
                                                                    BackendChoice backend) {
    std::unique_ptr<ObserverUnderTest> test(new ObserverUnderTest());
    std::promise<Result<>> started;
    std::future<Result<>> outcome = started.get_future();
    test->thread_ = std::thread(&ObserverUnderTest::run, test.get(), std::cref(options), backend, std::move(started));
    if (Result<> result = outcome.get(); !result) {
        return Failure(result.error());
    }
    return test;
}

ObserverUnderTest::~ObserverUnderTest() {
    log_.resume();
    if (loop_) {
        loop_->stop();
    }
    thread_.join();
}

void ObserverUnderTest::run(const ObserverOptions& options, BackendChoice backend, std::promise<Result<>> started) {
    Result<LoopChoice> choice = make_loop(backend);
    if (!choice) {
        started.set_value(Failure(choice.error()));
        return;
    }
    loop_ = std::move(choice->loop);
    Result<std::unique_ptr<Observer>> observer = Observer::start(options, *loop_);
    if (!observer) {
        started.set_value(Failure(observer.error()));
        return;
    }
    observer_ = std::move(*observer);
    if (!observer_->bpf()) {
        started.set_value(failure("no BPF: " + observer_->features().front().why_not));
        return;
    }
    observer_->set_sinks({&log_});
    started.set_value({});
    if (Result<> ran = loop_->run(*observer_); !ran) {
        // What the test waits for will not come; it cannot tell why.
        std::fprintf(stderr, "the observer's loop failed: %s\n", ran.error().message.c_str());
    }
    observer_->finish();
}

Result<> ObserverUnderTest::settle() {
    constexpr int kAttempts = 10;
    Result<> settled;
    for (int i = 0; i < kAttempts; ++i) {
        const Instant before = monotonic_now();
        const Result<Process> sentinel = Process::start({die_path(), "exit", "0"});
        if (!sentinel) {
            return Failure(sentinel.error());
        }
        const Result<Exit> told = log_.await_exit({sentinel->pid(), before}, kPatience / kAttempts);
        if (told) {
            return {};
        }
        settled = failure_in("settle", told.error());
    }
    return settled;
}

} // namespace knell::test
