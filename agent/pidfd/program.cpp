#include "agent/pidfd/program.hpp"

#include "agent/pidfd/problem.hpp"

#include <linux/sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace knell {
namespace {

constexpr const char* kDefaultPath = "/bin:/usr/bin"; // of execvp() where PATH is not set
constexpr int kExitNotStarted = 127;                  // seen by nobody: the report says more

std::string starting(const SpawnOptions& options) {
    return "starting '" + options.argv[0] + "'";
}

Result<> check_text(const std::string& what, const std::string& text) {
    if (text.find('\0') != std::string::npos) {
        return system_failure(what, EINVAL, "it contains a NUL byte, which would end it");
    }
    return {};
}

Result<> check(const SpawnOptions& options) {
    if (options.argv.empty()) {
        return system_failure("starting a program", EINVAL, "argv is empty");
    }
    Result<> sound = check_text("the working directory", options.working_directory);
    for (const std::string& argument : options.argv) {
        sound = sound ? check_text("an argument of '" + options.argv[0] + "'", argument) : sound;
    }
    if (options.environment) {
        for (const std::string& variable : *options.environment) {
            sound = sound ? check_text("a variable of the environment", variable) : sound;
        }
    }
    return sound;
}

// As execvp(): PATH is looked through only for names without a slash, and an empty part of it is the working directory.
std::vector<std::string> files_to_try(const std::string& name) {
    if (name.empty() || name.find('/') != std::string::npos) {
        return {name};
    }
    std::vector<std::string> files;
    const char* variable = std::getenv("PATH");
    std::string_view path = variable != nullptr ? variable : kDefaultPath;
    for (;;) {
        const std::size_t end = path.find(':');
        const std::string_view directory = path.substr(0, end);
        files.push_back(directory.empty() ? name : std::string(directory) + "/" + name);
        if (end == std::string_view::npos) {
            return files;
        }
        path.remove_prefix(end + 1);
    }
}

// execve()'s signature predates const.
std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (const std::string& text : texts) {
        pointers.push_back(const_cast<char*>(text.c_str()));
    }
    pointers.push_back(nullptr);
    return pointers;
}

// exec does it too, but a pending signal may come before that, once the mask is set. What is ignored stays ignored.
void reset_handlers() {
    for (int signal = 1; signal < NSIG; ++signal) {
        struct sigaction action{};
        // Fails for the two signals that the C library keeps for itself, which nobody sends to a process.
        if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN &&
            action.sa_handler != SIG_DFL) {
            struct sigaction fresh{};
            fresh.sa_handler = SIG_DFL;
            (void)::sigaction(signal, &fresh, nullptr);
        }
    }
}

} // namespace

Program::Program(const SpawnOptions& options, Placement placement)
    : options_(&options), placement_(std::move(placement)), arguments_(pointers_to(options.argv)),
      environment_given_(::environ), files_(files_to_try(options.argv[0])) {
    if (options.environment) {
        environment_ = pointers_to(*options.environment);
        environment_given_ = environment_.data();
    }
}

Result<Program> Program::prepare(const SpawnOptions& options) {
    if (auto sound = check(options); !sound) {
        return std::unexpected(std::move(sound.error()));
    }
    auto placement = Placement::plan(options.descriptors);
    if (!placement) {
        return failure_in(starting(options), std::move(placement.error()));
    }
    return Program(options, std::move(*placement));
}

std::uint64_t Program::clone_flags() const {
    return options_->cgroup >= 0 ? CLONE_INTO_CGROUP : 0;
}

void Program::execute(int report, const sigset_t& mask) noexcept {
    reset_handlers();
    StartReport failed = leave_our_surroundings();
    if (failed.step == StartStep::none) {
        failed = placement_.apply(report);
    }
    if (failed.step == StartStep::none && options_->descriptor_limit &&
        ::setrlimit(RLIMIT_NOFILE, &*options_->descriptor_limit) != 0) {
        failed = {StartStep::descriptor_limit, errno, 0};
    }
    const sigset_t& blocked = options_->signal_mask ? *options_->signal_mask : mask;
    if (failed.step == StartStep::none && ::sigprocmask(SIG_SETMASK, &blocked, nullptr) != 0) {
        failed = {StartStep::signal_mask, errno, 0};
    }
    give_up(report, failed.step == StartStep::none ? execute_first() : failed);
}

StartReport Program::leave_our_surroundings() const noexcept {
    // The leader of a new session leads a group of its own too, and may not ask for another one.
    if (options_->new_session) {
        if (::setsid() < 0) {
            return {StartStep::session, errno, 0};
        }
    } else if (options_->new_process_group && ::setpgid(0, 0) != 0) {
        return {StartStep::process_group, errno, 0};
    }
    if (!options_->working_directory.empty() && ::chdir(options_->working_directory.c_str()) != 0) {
        return {StartStep::working_directory, errno, 0};
    }
    return {};
}

// As execvp(): a file that may not be executed is passed over, but remembered.
StartReport Program::execute_first() const noexcept {
    StartReport failed{StartStep::exec, ENOENT, 0};
    for (int i = 0; i < static_cast<int>(files_.size()); ++i) {
        ::execve(files_[static_cast<std::size_t>(i)].c_str(), arguments_.data(), environment_given_);
        switch (errno) {
        case EACCES:
            failed = {StartStep::exec, EACCES, i};
            break;
        case ENOENT:
        case ENOTDIR:
        case ENODEV:
        case ESTALE:
        case ETIMEDOUT:
            // In a search through PATH each of these says that it is not there.
            if (failed.errno_value != EACCES) {
                failed = {StartStep::exec, files_.size() > 1 ? ENOENT : errno, i};
            }
            break;
        default:
            return {StartStep::exec, errno, i};
        }
    }
    return failed;
}

Failure Program::failure(const StartReport& report) const {
    const std::string tried = starting(*options_) + ": ";
    switch (report.step) {
    case StartStep::none:
        break;
    case StartStep::guard:
        return system_failure(tried + "preparing to guard it", report.errno_value);
    case StartStep::clone:
        return clone_failure(tried + "clone", report.errno_value);
    case StartStep::tie_to_guard:
        return system_failure(tried + "tying it to its guard", report.errno_value, "the guard was killed");
    case StartStep::session:
        return system_failure(tried + "setsid", report.errno_value);
    case StartStep::process_group:
        return system_failure(tried + "setpgid", report.errno_value);
    case StartStep::working_directory:
        return system_failure(tried + "entering '" + options_->working_directory + "'", report.errno_value);
    case StartStep::close_descriptors:
        return system_failure(tried + "closing the descriptors that are not for it", report.errno_value,
                              "it takes close_range(2), or /proc/self/fd where a seccomp filter refuses that");
    case StartStep::place_descriptor: {
        const auto& descriptor = options_->descriptors[static_cast<std::size_t>(report.detail)];
        return system_failure(tried + "making descriptor " + std::to_string(descriptor.ours) + " its descriptor " +
                                  std::to_string(descriptor.child_number),
                              report.errno_value, "numbers are limited by RLIMIT_NOFILE");
    }
    case StartStep::descriptor_limit:
        return system_failure(tried + "setting its limit of descriptors", report.errno_value);
    case StartStep::signal_mask:
        return system_failure(tried + "setting its signal mask", report.errno_value);
    case StartStep::exec:
        return exec_failure(report);
    }
    return knell::failure(tried + "a report of no failure");
}

Failure Program::clone_failure(const std::string& tried, int errno_value) const {
    const bool into_cgroup = options_->cgroup >= 0;
    switch (errno_value) {
    case EAGAIN:
        return system_failure(tried, errno_value, "RLIMIT_NPROC, pids.max of the cgroup or threads-max is reached");
    case ENOSYS:
    case EPERM:
        return into_cgroup ? problem(Problem::kernel_too_old, tried,
                                     "only clone3 can make a process in a cgroup, and a seccomp filter refuses it")
                           : system_failure(tried, errno_value, "a seccomp filter refuses it");
    case EACCES:
    case EBADF:
    case EBUSY:
    case ENODEV:
    case EOPNOTSUPP:
        return into_cgroup ? system_failure(tried, errno_value,
                                            "a cgroup of v2 that we may write and that is to hold processes is needed")
                           : system_failure(tried, errno_value);
    default:
        return system_failure(tried, errno_value);
    }
}

Failure Program::exec_failure(const StartReport& report) const {
    const std::string search = starting(*options_);
    const std::string& file = files_[static_cast<std::size_t>(report.detail)];
    const std::string tried = file == options_->argv[0] ? search : search + ": executing '" + file + "'";
    switch (report.errno_value) {
    case ENOENT:
    case ENOTDIR:
        return files_.size() > 1 ? system_failure(search, report.errno_value, "no directory of PATH has it")
                                 : system_failure(tried, report.errno_value,
                                                  "there is no such file, or not the interpreter that it names");
    case ENOEXEC:
        return system_failure(tried, report.errno_value,
                              "it is no program for this machine, and a script needs a first line with #!");
    default:
        return system_failure(tried, report.errno_value);
    }
}

void give_up(int report, const StartReport& why) noexcept {
    (void)!::write(report, &why, sizeof(why)); // without a reader there is nobody left to tell
    ::_exit(kExitNotStarted);
}

} // namespace knell
