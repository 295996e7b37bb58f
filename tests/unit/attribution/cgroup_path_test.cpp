#include "agent/attribution/cgroup_path.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace knell {

std::ostream& operator<<(std::ostream& out, const PathFacts& facts) {
    return out << "runtime " << static_cast<int>(facts.runtime) << " id '" << facts.container_id << "' pod '"
               << facts.pod_uid << "' qos " << static_cast<int>(facts.qos) << " unit '" << facts.unit << "'";
}

bool operator==(const PathFacts& a, const PathFacts& b) {
    return a.runtime == b.runtime && a.container_id == b.container_id && a.pod_uid == b.pod_uid && a.qos == b.qos &&
           a.unit == b.unit;
}

namespace {

using enum Runtime;
using Qos = QosClass;

const std::string kId = "8f2a2a0ccbb54a0a3d4dbfbf1d0e1e3f6b1c9d6ad5e1f2b3c4d5e6f708192a3b";
const std::string kOuter = "03f5c4d9e8b7a6958473625140fedcba98765432100123456789abcdef012345";
const std::string kUid = "2c48913c-b29f-11e7-9350-020968147796";
const std::string kSliceUid = "2c48913c_b29f_11e7_9350_020968147796";
const std::string kHash = "7ba28bdd1b4b3a5e6bc3a0a6e2c4a7c1"; // of a static pod
const std::string kBurstableSlices = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod";
const std::string kUser = "/user.slice/user-1000.slice/user@1000.service";

struct Case {
    std::string path;
    PathFacts facts;
};

PathFacts container(Runtime runtime, std::string id, std::string unit = "", std::vector<std::string> enclosing = {}) {
    return {.runtime = runtime,
            .container_id = std::move(id),
            .enclosing_ids = std::move(enclosing),
            .qos = Qos::none,
            .unit = std::move(unit)};
}

PathFacts in_pod(Runtime runtime, std::string id, std::string uid, Qos qos, std::string unit = "",
                 std::vector<std::string> enclosing = {}) {
    return {.runtime = runtime,
            .container_id = std::move(id),
            .enclosing_ids = std::move(enclosing),
            .pod_uid = std::move(uid),
            .qos = qos,
            .unit = std::move(unit)};
}

PathFacts unit(std::string name) {
    return container(none, "", std::move(name));
}

void check(const std::vector<Case>& cases) {
    for (const Case& c : cases) {
        EXPECT_EQ(parse_cgroup_path(c.path), c.facts) << c.path;
    }
}

TEST(CgroupPath, ContainersOfPodsWithTheCgroupfsDriver) {
    check({
        {"/kubepods/burstable/pod" + kUid + "/" + kId, in_pod(unknown, kId, kUid, Qos::burstable)},
        {"/kubepods/besteffort/pod" + kUid + "/" + kId, in_pod(unknown, kId, kUid, Qos::best_effort)},
        {"/kubepods/pod" + kUid + "/" + kId, in_pod(unknown, kId, kUid, Qos::guaranteed)},
        {"/kubepods/burstable/pod" + kHash + "/" + kId, in_pod(unknown, kId, kHash, Qos::burstable)},
        {"/kubepods/burstable/pod" + kUid + "/crio-" + kId, in_pod(cri_o, kId, kUid, Qos::burstable)},
        {"/kubepods/burstable/pod" + kUid + "/crio-conmon-" + kId, in_pod(none, "", kUid, Qos::burstable)},
        {"/kubepods/burstable/pod" + kUid, in_pod(none, "", kUid, Qos::burstable)},
        {"/kubepods/burstable", {}},
        {"/kubelet/kubepods/besteffort/pod" + kUid + "/" + kId, in_pod(unknown, kId, kUid, Qos::best_effort)},
        // the pod's level of the tree, seen from inside a cgroup namespace
        {"/../../pod" + kUid + "/" + kId, in_pod(unknown, kId, kUid, Qos::none)},
        // systemd inside the container
        {"/kubepods/burstable/pod" + kUid + "/" + kId + "/system.slice/nginx.service",
         in_pod(unknown, kId, kUid, Qos::burstable, "nginx.service")},
    });
}

TEST(CgroupPath, ContainersOfPodsWithTheSystemdDriver) {
    check({
        {kBurstableSlices + kSliceUid + ".slice/cri-containerd-" + kId + ".scope",
         in_pod(containerd, kId, kUid, Qos::burstable)},
        {"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + kSliceUid + ".slice/cri-containerd-" +
             kId + ".scope",
         in_pod(containerd, kId, kUid, Qos::best_effort)},
        {"/kubepods.slice/kubepods-pod" + kSliceUid + ".slice/cri-containerd-" + kId + ".scope",
         in_pod(containerd, kId, kUid, Qos::guaranteed)},
        {kBurstableSlices + kHash + ".slice/cri-containerd-" + kId + ".scope",
         in_pod(containerd, kId, kHash, Qos::burstable)},
        {kBurstableSlices + kSliceUid + ".slice/crio-" + kId + ".scope", in_pod(cri_o, kId, kUid, Qos::burstable)},
        {kBurstableSlices + kSliceUid + ".slice/crio-" + kId + ".scope/container",
         in_pod(cri_o, kId, kUid, Qos::burstable)},
        {kBurstableSlices + kSliceUid + ".slice/crio-conmon-" + kId + ".scope", in_pod(none, "", kUid, Qos::burstable)},
        {kBurstableSlices + kSliceUid + ".slice/docker-" + kId + ".scope", in_pod(docker, kId, kUid, Qos::burstable)},
        {kBurstableSlices + kSliceUid + ".slice", in_pod(none, "", kUid, Qos::burstable)},
        {"/system.slice/crio-conmon-" + kId + ".scope", {}},
        // from inside a cgroup namespace
        {"/../cri-containerd-" + kId + ".scope", container(containerd, kId)},
        // a kubelet with --cgroup-root=/reserved
        {"/reserved.slice/reserved-kubepods.slice/reserved-kubepods-burstable.slice/reserved-kubepods-burstable-pod" +
             kSliceUid + ".slice/cri-containerd-" + kId + ".scope",
         in_pod(containerd, kId, kUid, Qos::burstable)},
    });
}

// The kubelet speaks systemd's notation, the runtime takes it for a name.
TEST(CgroupPath, TheDriversDisagree) {
    check({
        {"/system.slice/containerd.service/kubepods-burstable-pod" + kSliceUid + ".slice:cri-containerd:" + kId,
         in_pod(containerd, kId, kUid, Qos::burstable, "containerd.service")},
        {"/kubepods-besteffort-pod" + kSliceUid + ".slice:cri-containerd:" + kId,
         in_pod(containerd, kId, kUid, Qos::best_effort)},
        {"/kubepods-pod" + kSliceUid + ".slice:crio:" + kId, in_pod(cri_o, kId, kUid, Qos::guaranteed)},
        {"/system.slice:docker:" + kId, container(docker, kId)},
        {"/cri-containerd:" + kId, container(containerd, kId)},
    });
}

TEST(CgroupPath, DockerAndItsRelatives) {
    check({
        {"/docker/" + kId, container(docker, kId)},
        {"/system.slice/docker-" + kId + ".scope", container(docker, kId)},
        {kUser + "/user.slice/docker-" + kId + ".scope", container(docker, kId, "user@1000.service")}, // rootless
        {"/docker/" + kId + "/init.scope", container(docker, kId, "init.scope")},
        {"/ecs/9781c248-0edd-4cdb-9a93-f63cb662a5d3/" + kId, container(docker, kId)},
        {"/ecs/production/" + kHash + "/" + kId, container(docker, kId)},
        {"/ecstasks.slice/ecstasks-" + kHash + ".slice/docker-" + kId + ".scope", container(docker, kId)},
        {"/actions_job/" + kId, container(unknown, kId)}, // docker run --cgroup-parent
        {"/default/" + kId, container(containerd, kId)},  // nerdctl, cgroupfs
        {"/k8s.io/" + kId, container(containerd, kId)},
        {"/system.slice/nerdctl-" + kId + ".scope", container(containerd, kId)},
        {"/system.slice/isulad-" + kId + ".scope", container(unknown, kId)},
        {"/docker/buildkit/zyxwvutsrqponmlkjihgfedcb", {}},
    });
}

TEST(CgroupPath, Podman) {
    check({
        {"/machine.slice/libpod-" + kId + ".scope", container(podman, kId)},
        {"/machine.slice/libpod-" + kId + ".scope/container", container(podman, kId)},
        {"/machine.slice/libpod-conmon-" + kId + ".scope", {}},
        {"/machine.slice/machine-libpod_pod_" + kOuter + ".slice/libpod-" + kId + ".scope/container",
         container(podman, kId)},
        {kUser + "/user.slice/libpod-" + kId + ".scope/container", container(podman, kId, "user@1000.service")},
        {kUser + "/user.slice/libpod-conmon-" + kId + ".scope", unit("user@1000.service")},
        {"/libpod_parent/libpod-" + kId, container(podman, kId)},
        {"/libpod_parent/conmon", {}},
        // --cgroups=split, as Quadlet units use it
        {"/system.slice/web.service/libpod-payload-" + kId, container(podman, kId, "web.service")},
        {"/system.slice/web.service/runtime", unit("web.service")},
    });
}

TEST(CgroupPath, ContainersWithNames) {
    check({
        {"/lxc.payload.web-1", container(lxc, "web-1")},
        {"/lxc.payload.web-1/system.slice/nginx.service", container(lxc, "web-1", "nginx.service")},
        {"/lxc.monitor.web-1", {}},
        {"/lxc/101/ns", container(lxc, "101")}, // Proxmox
        {"/lxc/web/init.scope", container(lxc, "web", "init.scope")},
        {"/lxc.payload/web", container(lxc, "web")},
        {"/lxc.monitor/web", {}},
        {"/system.slice/lxc.service", unit("lxc.service")},
        {"/machine.slice/systemd-nspawn@build.service/payload/init.scope",
         container(systemd_nspawn, "build", "systemd-nspawn@build.service")},
        {"/machine.slice/systemd-nspawn@build.service/supervisor", unit("systemd-nspawn@build.service")},
        {"/machine.slice/machine-my\\x2dbox.scope/payload",
         container(systemd_nspawn, "my\\x2dbox", "machine-my\\x2dbox.scope")},
        {"/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/vcpu0", unit("machine-qemu\\x2d1\\x2dvm.scope")},
    });
}

TEST(CgroupPath, TheInnermostContainerWins) {
    const std::string kubelet_slices = "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
                                       "kubelet-kubepods-burstable-pod";
    check({
        // kind
        {"/docker/" + kOuter + "/kubelet/kubepods/burstable/pod" + kUid + "/" + kId,
         in_pod(unknown, kId, kUid, Qos::burstable)},
        {"/system.slice/docker-" + kOuter + ".scope" + kubelet_slices + kSliceUid + ".slice/cri-containerd-" + kId +
             ".scope",
         in_pod(containerd, kId, kUid, Qos::burstable)},
        {"/docker/" + kOuter + "/kubelet/kubepods/pod" + kUid, in_pod(none, "", kUid, Qos::guaranteed)},
        {"/docker/" + kOuter + "/system.slice/kubelet.service", container(docker, kOuter, "kubelet.service")},
        // docker in docker, in a pod, in LXC
        {"/docker/" + kOuter + "/docker/" + kId, container(docker, kId, "", {kOuter})},
        {"/kubepods/burstable/pod" + kUid + "/" + kOuter + "/docker/" + kId,
         in_pod(docker, kId, kUid, Qos::burstable, "", {kOuter})},
        {"/lxc.payload.host/docker/" + kId, container(docker, kId)},
        {"/lxc/101/ns/system.slice/docker-" + kId + ".scope", container(docker, kId)},
    });
}

TEST(CgroupPath, SystemdUnits) {
    check({
        {"/init.scope", unit("init.scope")},
        {"/system.slice/nginx.service", unit("nginx.service")},
        {"/system.slice/containerd.service", unit("containerd.service")},
        {"/system.slice/system-getty.slice/getty@tty1.service", unit("getty@tty1.service")},
        {"/system.slice/system-systemd\\x2dcoredump.slice/systemd-coredump@0-1.service",
         unit("systemd-coredump@0-1.service")},
        {"/system.slice/dbus-:1.2-org.freedesktop.problems@0.service",
         unit("dbus-:1.2-org.freedesktop.problems@0.service")},
        {"/system.slice/systemd-udevd.service/udev", unit("systemd-udevd.service")},
        {"/user.slice/user-1000.slice/session-3.scope", unit("session-3.scope")},
        {kUser + "/app.slice/foo.service", unit("foo.service")},
        {kUser + "/app.slice/app-gnome-firefox-4242.scope", unit("app-gnome-firefox-4242.scope")},
        {kUser + "/init.scope", unit("user@1000.service")}, // the user's own service manager
        {"/system.slice/run-docker-netns-" + kId + ".mount", {}},
        {"/system.slice", {}},
    });
}

TEST(CgroupPath, NothingToTell) {
    const std::string almost = kId.substr(1);
    check({
        {"", {}},
        {"/", {}},
        {"//", {}},
        {"/..", {}},
        {"/../..", {}},
        {"/mycontainer", {}}, // runc run, by hand
        {"/process_api/" + kHash, {}},
        {"/docker/" + almost, {}},
        {"/docker/" + kId + "0", {}},
        {"/docker/" + almost + "g", {}},
        {"/docker/" + almost + "A", {}}, // ids are written in lower case
        {"/kubepods/burstable/pod123", {}},
        {"/kubepods/burstable/pod" + kUid + "0", {}},
        {"/podruntime/kubelet", {}},
        {"/.service", {}},
        {"/.scope", {}},
        {"/machine-.scope/payload", unit("machine-.scope")},
        {"/lxc.payload.", {}},
    });
}

TEST(CgroupPath, TakesAnyBytes) {
    EXPECT_EQ(parse_cgroup_path("/system.slice/\xff\xfe.service").unit, "\xff\xfe.service");
    EXPECT_EQ(parse_cgroup_path("/lxc.payload.\x80").container_id, "\x80");
    EXPECT_EQ(parse_cgroup_path(std::string("/a\0b.service", 12)).unit, std::string("a\0b.service", 11));
    EXPECT_EQ(parse_cgroup_path("docker/" + kId).container_id, kId); // no leading slash
}

TEST(CgroupPath, TakesLongPaths) {
    std::string deep;
    while (deep.size() < 4096) {
        deep += "/docker/" + kOuter + "/a.service:b";
    }
    EXPECT_EQ(parse_cgroup_path(deep + "/docker/" + kId).container_id, kId);
    EXPECT_EQ(parse_cgroup_path("/" + std::string(4096, 'a') + ".service").unit.size(), 4096U + 8U);
    EXPECT_EQ(parse_cgroup_path(std::string(4096, '/')), PathFacts{});
    EXPECT_EQ(parse_cgroup_path(std::string(4096, ':')), PathFacts{});
    EXPECT_EQ(parse_cgroup_path("/" + std::string(4096, ':') + kId).container_id, kId);
}

} // namespace
} // namespace knell
