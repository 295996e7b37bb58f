#include "agent/cause/holder.hpp"

#include <gtest/gtest.h>

namespace knell {
namespace {

constexpr Credentials kRootOnHost = {.exe = "bash", .uid = 0, .unit = {}, .outside_containers = true};

constexpr Credentials running(std::string_view exe, std::uint32_t uid = 0) {
    return {.exe = exe, .uid = uid, .unit = {}, .outside_containers = true};
}

TEST(ClassifyHolder, FirstMatchWins) {
    const struct {
        const char* what;
        Holder holder;
        HolderClass kind;
    } rows[] = {
        {"a process of the host", {.pid = 7, .place_known = true, .credentials = kRootOnHost}, HolderClass::host},
        {"we", {.pid = 7, .self = true, .place_known = true, .credentials = kRootOnHost}, HolderClass::self},
        {"we in a container", {.pid = 7, .self = true, .place_known = true}, HolderClass::self},
        {"the host's init", {.pid = 1, .place_known = true, .credentials = kRootOnHost}, HolderClass::init},
        {"init, place unknown", {.pid = 1}, HolderClass::init},
        {"in a container", {.pid = 7, .place_known = true}, HolderClass::container},
        {"a runtime",
         {.pid = 7, .place_known = true, .credentials = running("containerd-shim-runc-v2")},
         HolderClass::container_runtime},
        {"a runtime by its unit",
         {.pid = 7,
          .place_known = true,
          .credentials = {.uid = 998, .unit = "crio.service", .outside_containers = true}},
         HolderClass::container_runtime},
        {"a runtime's name without root",
         {.pid = 7, .place_known = true, .credentials = running("runc", 1000)},
         HolderClass::host},
        {"a runtime's name in a container",
         {.pid = 7, .place_known = true, .credentials = {.exe = "runc"}},
         HolderClass::container},
        {"an OOM daemon is the host's",
         {.pid = 7, .place_known = true, .credentials = running("earlyoom")},
         HolderClass::host},
        {"place unknown", {.pid = 7}, HolderClass::unknown},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(name(classify_holder(row.holder)), name(row.kind)) << row.what;
    }
}

} // namespace
} // namespace knell
