// What is found in the directories of real runtimes, whose layout is made here.

#include "agent/attribution/container_namer.hpp"

#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace knell {
namespace {

namespace fs = std::filesystem;

const std::string kId = "4f1c1f0e3b5a9d7c4f1c1f0e3b5a9d7c4f1c1f0e3b5a9d7c4f1c1f0e3b5a9d7c";
const std::string kOther = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const std::string kUid = "0f3e9c1a-7a41-4f0e-9d58-2f7a3c6b9e10";
const std::string kCriBundle = R"({"annotations":{"io.kubernetes.cri.container-type":"container",
    "io.kubernetes.cri.container-name":"worker","io.kubernetes.cri.sandbox-name":"web","io.kubernetes.cri.sandbox-namespace":"shop"}})";
const ContainerNames kWorker = {.name_space = "shop", .pod = "web", .container = "worker"};

class Namer : public testing::Test {
  protected:
    void SetUp() override {
        auto directory = test::TempDir::create();
        ASSERT_TRUE(directory) << directory.error().message;
        directory_.emplace(std::move(*directory));
        paths_ = {.containerd = {at("containerd"), at("k3s/containerd")},
                  .storage = {at("run/storage"), at("lib/storage")},
                  .docker = {at("docker")},
                  .container_logs = {at("log/containers")},
                  .pod_logs = {at("log/pods")}};
    }

    [[nodiscard]] std::string at(const std::string& path) const { return directory_->path() / path; }
    void write(const std::string& path, const std::string& text) const {
        const fs::path file = at(path);
        fs::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }
    static PathFacts container(const std::string& id = kId) {
        return {.runtime = Runtime::unknown, .container_id = id, .enclosing_ids = {}, .pod_uid = kUid};
    }
    [[nodiscard]] Naming find(const PathFacts& facts) const { return ContainerNamer(paths_).find(facts); }
    void expect_named(const ContainerNames& names) const {
        const Naming naming = find(container());
        EXPECT_EQ(naming.names, names);
        EXPECT_EQ(naming.miss, NameMiss::none);
    }

    std::optional<test::TempDir> directory_;
    NamePaths paths_;
};

TEST_F(Namer, AsksContainerdInAllItsPlaces) {
    write("k3s/containerd/io.containerd.runtime.v2.task/k8s.io/" + kId + "/config.json", kCriBundle);
    expect_named(kWorker);
}

TEST_F(Namer, AsksNerdctlsNamespace) {
    write("containerd/io.containerd.runtime.v2.task/default/" + kId + "/config.json",
          R"({"annotations":{"nerdctl/name":"web"}})");
    expect_named({.container = "web"});
}

TEST_F(Namer, AsksCriO) {
    write("run/storage/overlay-containers/" + kId + "/userdata/config.json",
          R"({"annotations":{"io.kubernetes.cri-o.ContainerType":"container","io.kubernetes.container.name":"worker",
              "io.kubernetes.pod.name":"web","io.kubernetes.pod.namespace":"shop"}})");
    expect_named(kWorker);
}

TEST_F(Namer, AsksDocker) {
    // Its bundle, which names nothing, comes first.
    write("containerd/io.containerd.runtime.v2.task/moby/" + kId + "/config.json", R"({"annotations":{}})");
    write("docker/containers/" + kId + "/config.v2.json", R"({"Name":"/db"})");
    expect_named({.container = "db"});
}

TEST_F(Namer, AsksPodman) {
    write("run/storage/overlay-containers/" + kId + "/userdata/config.json",
          R"({"annotations":{"io.container.manager":"libpod"}})");
    write("lib/storage/overlay-containers/containers.json", R"([{"id":")" + kId + R"(","names":["db"]}])");
    expect_named({.container = "db"});
}

TEST_F(Namer, AsksTheKubeletsLogs) {
    write("log/containers/other_shop_other-" + kOther + ".log", "");
    write("log/containers/web_shop_worker-" + kId + ".log", "");
    expect_named(kWorker);
}

TEST_F(Namer, KnowsThePodOfWhatItCannotName) {
    fs::create_directories(at("log/pods/shop_web_" + kUid));
    const Naming naming = find(container());
    EXPECT_EQ(naming.names, (ContainerNames{.name_space = "shop", .pod = "web", .container = {}}));
    EXPECT_EQ(naming.miss, NameMiss::no_metadata) << "its own name may still come";
    const Naming pod = find(container(""));
    EXPECT_EQ(pod.names, naming.names);
    EXPECT_EQ(pod.miss, NameMiss::none);
}

TEST_F(Namer, NestedContainersHaveTheNamesOfTheOneAround) {
    write("containerd/io.containerd.runtime.v2.task/k8s.io/" + kId + "/config.json", kCriBundle);
    PathFacts facts = container(kOther);
    facts.enclosing_ids = {kId};
    EXPECT_EQ(find(facts).names, kWorker);
    write("docker/containers/" + kOther + "/config.v2.json", R"({"Name":"/inner"})");
    EXPECT_EQ(find(facts).names, ContainerNames{.container = "inner"}) << "unless they have their own";
}

TEST_F(Namer, NothingThere) {
    EXPECT_EQ(find(container()).names, std::nullopt);
    EXPECT_EQ(find(container()).miss, NameMiss::no_metadata);
    EXPECT_TRUE(present(paths_).empty());
}

TEST_F(Namer, NoContainerIsNoMiss) {
    EXPECT_EQ(find({}).miss, NameMiss::none);
    PathFacts machine;
    machine.runtime = Runtime::systemd_nspawn;
    machine.container_id = "..";
    EXPECT_EQ(find(machine).miss, NameMiss::none) << "its name is in its path";
}

TEST_F(Namer, WhatMayNotBeRead) {
    // A link to itself: not even root gets there.
    const fs::path config = at("docker/containers/" + kId + "/config.v2.json");
    fs::create_directories(config.parent_path());
    fs::create_symlink(config, config);
    EXPECT_EQ(find(container()).miss, NameMiss::unreadable);
}

TEST_F(Namer, ANameOutlastsItsFile) {
    const std::string file = "docker/containers/" + kId + "/config.v2.json";
    write(file, R"({"Name":"/db"})");
    ContainerNamer namer(paths_);
    EXPECT_EQ(namer.find(container()).names, ContainerNames{.container = "db"});
    fs::remove(at(file));
    EXPECT_EQ(namer.find(container()).names, ContainerNames{.container = "db"});
    EXPECT_EQ(namer.find_again(container()).names, std::nullopt);
}

TEST_F(Namer, AMissIsRememberedUntilItIsAskedAgain) {
    ContainerNamer namer(paths_);
    EXPECT_EQ(namer.find(container()).miss, NameMiss::no_metadata);
    write("docker/containers/" + kId + "/config.v2.json", R"({"Name":"/db"})");
    EXPECT_EQ(namer.find(container()).miss, NameMiss::no_metadata);
    EXPECT_EQ(namer.find_again(container()).names, ContainerNames{.container = "db"});
}

TEST_F(Namer, SaysWhichDirectoriesThereAre) {
    fs::create_directories(at("lib/storage"));
    fs::create_directories(at("log/pods"));
    EXPECT_EQ(present(paths_), (std::vector<std::string>{at("lib/storage"), at("log/pods")}));
}

} // namespace
} // namespace knell
