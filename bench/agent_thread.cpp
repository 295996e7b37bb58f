#include "bench/agent_thread.hpp"

#include <pthread.h>
#include <unistd.h>

#include <functional>
#include <utility>

namespace knell::bench {

Result<std::unique_ptr<AgentThread>> AgentThread::start(const ObserverOptions& options, std::vector<EventSink*> sinks) {
    std::unique_ptr<AgentThread> agent(new AgentThread());
    agent->thread_ = std::thread(&AgentThread::run, agent.get(), std::cref(options), std::move(sinks));
    (void)::pthread_getcpuclockid(agent->thread_.native_handle(), &agent->cpu_clock_);
    std::unique_lock lock(agent->mutex_);
    agent->changed_.wait(lock, [&] { return agent->started_.has_value(); });
    if (!*agent->started_) {
        return std::unexpected(agent->started_->error());
    }
    return agent;
}

// io_uring's ring belongs to the thread that makes it, so everything is made here.
void AgentThread::run(const ObserverOptions& options, std::vector<EventSink*> sinks) {
    tid_ = ::gettid();
    Result<> started;
    if (auto choice = make_loop(BackendChoice::automatic)) {
        loop_ = std::move(choice->loop);
        if (auto observer = Observer::start(options, *loop_)) {
            observer_ = std::move(*observer);
            observer_->set_sinks(std::move(sinks));
        } else {
            started = std::unexpected(std::move(observer.error()));
        }
    } else {
        started = std::unexpected(std::move(choice.error()));
    }
    const bool run = started.has_value();
    {
        const std::lock_guard lock(mutex_);
        started_ = std::move(started);
    }
    changed_.notify_one();
    if (run) {
        (void)loop_->run(*observer_); // a loop that breaks shows as exits that were not counted
    }
}

AgentThread::~AgentThread() {
    if (loop_) {
        loop_->stop();
    }
    thread_.join();
}

Nanoseconds AgentThread::cpu_time() const {
    return read_clock(cpu_clock_);
}

} // namespace knell::bench
