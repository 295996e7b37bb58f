#include "agent/base/text.hpp"
#include "agent/cli/process_argument.hpp"
#include "agent/pidctl/commands.hpp"
#include "agent/pidctl/output.hpp"
#include "agent/pidctl/proc_file.hpp"
#include "agent/pidctl/subject.hpp"
#include "agent/pidfd/procfd.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>

namespace knell {
namespace {

struct CatArguments {
    std::optional<ProcessArgument> process;
    std::string file;
    bool private_procfs = false;
};

Result<Fd> open_directory(const CatArguments& arguments, const Pidfd& pidfd) {
    if (!arguments.private_procfs) {
        return procfd::open(pidfd);
    }
    const auto root = procfd::private_root();
    return root ? procfd::open(*root, pidfd) : std::unexpected(root.error());
}

Result<> write_all(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR) {
            return system_failure("writing to standard output", errno);
        }
        bytes.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
    }
    return {};
}

// A terminal obeys what it is sent, and a process chooses its command line and environment: there the bytes are shown
// as text. Lines stay lines.
class TerminalText {
  public:
    Result<> write(std::string_view piece) {
        held_ += piece;
        const std::size_t size = held_.size() - cut_character();
        std::string text;
        for (std::size_t at = 0; at < size;) {
            const std::size_t end = std::min(held_.find_first_of("\n\t", at), size);
            // Each byte takes at most four: "\x1b".
            text += to_terminal(std::string_view(held_).substr(at, end - at), 4 * (end - at));
            if (end < size) {
                text += held_[end];
            }
            at = end + 1;
        }
        held_.erase(0, size);
        return write_all(text);
    }
    Result<> finish() { return write_all(to_terminal(held_)); }

  private:
    // How many bytes at the end are the beginning of a UTF-8 character whose rest is still to come.
    [[nodiscard]] std::size_t cut_character() const {
        for (std::size_t back = 1; back <= std::min<std::size_t>(3, held_.size()); ++back) {
            const auto byte = static_cast<unsigned char>(held_[held_.size() - back]);
            if (byte >= 0xC0) {
                const std::size_t length = byte >= 0xF0 ? 4 : (byte >= 0xE0 ? 3 : 2);
                return length > back ? back : 0;
            }
            if (byte < 0x80) {
                return 0;
            }
        }
        return 0;
    }

    std::string held_;
};

Result<> stream(const ProcFile& file) {
    if (::isatty(STDOUT_FILENO) != 1) {
        return file.read(write_all);
    }
    TerminalText text;
    auto read = file.read([&text](std::string_view piece) { return text.write(piece); });
    return read ? text.finish() : read;
}

Result<> print_as_json(const ProcFile& file, const Subject& subject, const std::string& name) {
    auto content = file.read_all();
    if (!content) {
        return std::unexpected(std::move(content.error()));
    }
    Json object = Json::object();
    put_subject(object, subject);
    object["file"] = to_utf8(name);
    object["bytes"] = content->size();
    if (std::string text = to_utf8(*content, 3 * content->size()); text == *content) {
        object["content"] = std::move(text);
    } else {
        object["content_base64"] = to_base64(*content);
    }
    return print_json(object);
}

Result<> cat(const CatArguments& arguments, bool json) {
    const auto pidfd = arguments.process->open();
    if (!pidfd) {
        return std::unexpected(pidfd.error());
    }
    const auto directory = open_directory(arguments, *pidfd);
    if (!directory) {
        return std::unexpected(directory.error());
    }
    const auto file = ProcFile::open(*directory, arguments.file);
    if (!file) {
        return failure_in("process " + arguments.process->text(), file.error());
    }
    auto shown = json ? print_as_json(*file, Subject::of(*pidfd), arguments.file) : stream(*file);
    return shown ? shown : failure_in("process " + arguments.process->text(), std::move(shown.error()));
}

} // namespace

void add_cat(CLI::App& app, Invocation& invocation) {
    struct Raw {
        CatArguments arguments;
        std::string process;
    };
    auto raw = std::make_shared<Raw>();
    CLI::App* command =
        app.add_subcommand("cat", "Show a file of the process's /proc directory, of exactly this process");
    command->add_option("PROCESS", raw->process, "PID or PID:INODE")->required()->type_name("");
    command->add_option("FILE", raw->arguments.file, "Such as status, fdinfo/3 or task/17/stack")
        ->required()
        ->type_name("");
    command->add_flag("--private-procfs", raw->arguments.private_procfs,
                      "Read in a procfs of our own that is mounted nowhere, where /proc is missing or hides processes; "
                      "takes CAP_SYS_ADMIN");
    command->footer("The bytes are not changed, unless they go to a terminal or into JSON. What links in the directory "
                    "point to (exe, fd/3, root) is not of /proc and is refused.");
    command->callback([raw, &invocation] {
        raw->arguments.process = checked(ProcessArgument::parse(raw->process), "PROCESS");
        raw->arguments.file = checked(ProcFile::check_name(raw->arguments.file), "FILE");
        invocation.command = [raw, &invocation] { return status_of(cat(raw->arguments, invocation.json)); };
    });
}

} // namespace knell
