// What container runtimes and the kubelet leave on a node, on its way to labels: whoever starts a container chooses its
// annotations, labels and names.
#include "agent/attribution/container_names.hpp"
#include "agent/attribution/json_strings.hpp"
#include "agent/attribution/make_place.hpp"
#include "agent/base/text.hpp"
#include "tests/fuzz/promise.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace knell::fuzz {
namespace {

using nlohmann::json;

constexpr std::string_view kId = "4f1c1f0e3b5a9d7c4f1c1f0e3b5a9d7c4f1c1f0e3b5a9d7c4f1c1f0e3b5a9d7c";
constexpr std::string_view kUid = "0f3e9c1a-7a41-4f0e-9d58-2f7a3c6b9e10";

// Whatever was found makes labels that fit into every exposition.
void check_names(const std::optional<ContainerNames>& names) {
    if (!names) {
        return;
    }
    require(!names->pod.empty() || !names->container.empty(), "names name something");
    Place place;
    put_names(*names, place);
    for (const std::string& label : {place.name_space, place.pod, place.container}) {
        require(is_utf8(label) && label.size() <= 253, "a label is bounded UTF-8", label);
    }
}

// As files: any bytes.
void check_files(std::string_view bytes) {
    check_names(names_in_bundle(bytes));
    check_names(names_in_docker_config(bytes));
    check_names(names_in_storage(bytes, kId));
    check_names(names_in_log_link(bytes, kId));
    check_names(names_in_log_link(std::string(bytes) + "-" + std::string(kId) + ".log", kId));
    check_names(names_in_pod_logs(bytes, kUid));
    check_names(names_in_pod_logs(std::string(bytes) + "_" + std::string(kUid), kUid));

    // Two parsers agree on what is JSON, but for what is nested too deep or is no UTF-8.
    const bool taken = for_each_json_string(bytes, [](std::span<const std::string> path, const std::string&) {
        require(path.size() <= 32, "the depth is bounded");
    });
    require(!taken || json::accept(bytes), "what was read whole is JSON", bytes);
}

// As names in files that are written as the runtimes write them: they read as they were.
void check_round_trips(const ContainerNames& names) {
    if (names.name_space.empty() || names.pod.empty() || names.container.empty()) {
        return;
    }
    const json bundle = {{"process", {{"args", {names.container}}}},
                         {"annotations",
                          {{"io.kubernetes.cri.sandbox-namespace", names.name_space},
                           {"io.kubernetes.cri.sandbox-name", names.pod},
                           {"io.kubernetes.cri.container-name", names.container},
                           {"io.kubernetes.cri.container-type", "container"}}}};
    require(names_in_bundle(bundle.dump()) == names, "a name in a bundle reads as it was", bundle.dump());
    const json storage = {{{"id", "another"}, {"names", {"another"}}},
                          {{"id", kId}, {"names", {names.container, "alias"}}}};
    require(names_in_storage(storage.dump(), kId) == ContainerNames{.container = names.container},
            "a name in a list reads as it was", storage.dump());
    const json docker = {{"Name", "/" + names.container}, {"Config", {{"Labels", {{"a", names.pod}}}}}};
    require(names_in_docker_config(docker.dump()) == ContainerNames{.container = names.container},
            "a name of docker's reads as it was", docker.dump());
    if (!(names.name_space + names.pod).contains('_')) {
        const std::string link =
            names.pod + "_" + names.name_space + "_" + names.container + "-" + std::string(kId) + ".log";
        require(names_in_log_link(link, kId) == names, "a name in a link reads as it was", link);
    }
}

} // namespace
} // namespace knell::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace knell;
    const std::string_view bytes = fuzz::as_text(data, size);
    fuzz::check_files(bytes);
    std::size_t begin = 0;
    const auto part = [&] { return to_utf8(fuzz::next_part(bytes, begin, '\n')); };
    ContainerNames names;
    names.name_space = part();
    names.pod = part();
    names.container = part();
    fuzz::check_round_trips(names);
    return 0;
}
