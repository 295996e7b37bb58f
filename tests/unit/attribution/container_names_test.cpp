#include "agent/attribution/container_names.hpp"

#include <gtest/gtest.h>

#include <string>

namespace knell {
namespace {

const std::string kId = "4f1c1f0e3b5a9d7c4f1c1f0e3b5a9d7c4f1c1f0e3b5a9d7c4f1c1f0e3b5a9d7c";
const std::string kUid = "0f3e9c1a-7a41-4f0e-9d58-2f7a3c6b9e10";
const ContainerNames kWorker = {.name_space = "shop", .pod = "web-7d4b9c-x2x7k", .container = "worker"};

// As containerd 1.7 writes it, shortened.
std::string cri_bundle(const std::string& type) {
    return R"({"ociVersion":"1.1.0","process":{"args":["/worker"],"env":["annotations=no"],"capabilities":{"bounding":["CAP_KILL"]}},
 "root":{"path":"rootfs"},"mounts":[{"destination":"/proc","type":"proc","options":["nosuid"]}],
 "annotations":{"io.kubernetes.cri.container-name":"worker","io.kubernetes.cri.container-type":")" +
           type + R"(","io.kubernetes.cri.image-name":"registry.k8s.io/worker:1",
  "io.kubernetes.cri.sandbox-id":"ab","io.kubernetes.cri.sandbox-name":"web-7d4b9c-x2x7k",
  "io.kubernetes.cri.sandbox-namespace":"shop","io.kubernetes.cri.sandbox-uid":"0f3e9c1a"},
 "linux":{"cgroupsPath":"kubepods-burstable-pod0f3e.slice:cri-containerd:4f1c","namespaces":[{"type":"ipc"}]}})";
}

TEST(ContainerNames, OfContainerdsCri) {
    EXPECT_EQ(names_in_bundle(cri_bundle("container")), kWorker);
}

TEST(ContainerNames, ASandboxIsTheKubeletsPod) {
    ContainerNames sandbox = kWorker;
    sandbox.container = "POD";
    EXPECT_EQ(names_in_bundle(cri_bundle("sandbox")), sandbox);
    EXPECT_EQ(names_in_bundle(
                  R"({"annotations":{"io.kubernetes.cri-o.ContainerType":"sandbox","io.kubernetes.container.name":"POD",
        "io.kubernetes.pod.name":"web-7d4b9c-x2x7k","io.kubernetes.pod.namespace":"shop"}})"),
              sandbox);
}

TEST(ContainerNames, OfCriO) {
    EXPECT_EQ(
        names_in_bundle(
            R"({"annotations":{"io.kubernetes.cri-o.ContainerType":"container","io.kubernetes.container.name":"worker",
        "io.kubernetes.pod.name":"web-7d4b9c-x2x7k","io.kubernetes.pod.namespace":"shop","io.kubernetes.pod.uid":"0f3e9c1a"}})"),
        kWorker);
}

TEST(ContainerNames, OfNerdctl) {
    EXPECT_EQ(names_in_bundle(R"({"annotations":{"nerdctl/name":"web","nerdctl/namespace":"default"}})"),
              ContainerNames{.container = "web"});
}

TEST(ContainerNames, NothingInABundleWithoutThem) {
    EXPECT_EQ(names_in_bundle(R"({"annotations":{"io.container.manager":"libpod"}})"), std::nullopt);
    EXPECT_EQ(names_in_bundle(R"({"process":{"annotations":{"nerdctl/name":"web"}}})"), std::nullopt);
    EXPECT_EQ(names_in_bundle(R"({"annotations":{"nerdctl/name":["web"]}})"), std::nullopt);
}

TEST(ContainerNames, BrokenFilesNameNothing) {
    const std::string whole = cri_bundle("container");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_EQ(names_in_bundle(whole.substr(0, size)), std::nullopt) << size;
    }
    EXPECT_EQ(names_in_bundle(std::string(100'000, '[')), std::nullopt) << "nested without end";
    EXPECT_EQ(names_in_bundle("{\"annotations\":{\"nerdctl/name\":\"\xff\"}}"), std::nullopt) << "no UTF-8";
}

TEST(ContainerNames, OfDocker) {
    EXPECT_EQ(
        names_in_docker_config(R"({"StreamConfig":{},"State":{"Pid":42,"Error":""},"ID":"4f1c","Config":{"Hostname":"h",
        "Labels":{"com.docker.compose.service":"web"}},"Name":"/shop-web-1","Driver":"overlay2"})"),
        ContainerNames{.container = "shop-web-1"});
}

TEST(ContainerNames, OfCriDockerd) {
    const std::string labels = R"("io.kubernetes.container.name":"worker","io.kubernetes.pod.name":"web-7d4b9c-x2x7k",
        "io.kubernetes.pod.namespace":"shop","io.kubernetes.docker.type":)";
    const auto config = [&](const std::string& type) {
        return R"({"Config":{"Labels":{)" + labels + '"' + type + R"("}},"Name":"/k8s_worker_web_shop_0f3e_0"})";
    };
    EXPECT_EQ(names_in_docker_config(config("container")), kWorker);
    ContainerNames sandbox = kWorker;
    sandbox.container = "POD";
    EXPECT_EQ(names_in_docker_config(config("podsandbox")), sandbox);
}

TEST(ContainerNames, OfPodmansStorage) {
    const std::string list = R"([{"id":"aa","names":["other"],"image":"x"},{"id":")" + kId +
                             R"(","names":["db","db-2"],"layer":"y"},{"id":"bb","names":["third"]}])";
    EXPECT_EQ(names_in_storage(list, kId), ContainerNames{.container = "db"});
    EXPECT_EQ(names_in_storage(list, "cc"), std::nullopt);
    EXPECT_EQ(names_in_storage(R"([{"id":"cc"},{"id":"bb","names":["third"]}])", "cc"), std::nullopt);
}

TEST(ContainerNames, OfALogLink) {
    EXPECT_EQ(names_in_log_link("web-7d4b9c-x2x7k_shop_worker-" + kId + ".log", kId), kWorker);
    for (const std::string& file :
         {"web_shop_worker-" + kId, "web_shop-" + kId + ".log", kId + ".log", std::string(".log"),
          "web_shop_worker-" + kId.substr(1) + ".log", "_shop_worker-" + kId + ".log"}) {
        EXPECT_EQ(names_in_log_link(file, kId), std::nullopt) << file;
    }
    EXPECT_EQ(names_in_log_link("web_shop_worker-.log", ""), std::nullopt);
}

TEST(ContainerNames, OfPodLogs) {
    EXPECT_EQ(names_in_pod_logs("shop_web-7d4b9c-x2x7k_" + kUid, kUid),
              (ContainerNames{.name_space = "shop", .pod = "web-7d4b9c-x2x7k", .container = {}}));
    for (const std::string& directory : {kUid, "shop_" + kUid, "shop_web_more_" + kUid, "shop_web_" + kUid + "x"}) {
        EXPECT_EQ(names_in_pod_logs(directory, kUid), std::nullopt) << directory;
    }
}

} // namespace
} // namespace knell
