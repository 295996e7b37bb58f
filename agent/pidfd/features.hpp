#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <string_view>

namespace knell {

// What kernels have learned about pidfds, in the order of the releases. The library finds out by trying, never by the
// release: distributions carry features back. Everything below 5.10 is taken for granted.
enum class PidfdFeature : std::size_t {
    peer_pidfd,       // 6.5  SO_PEERPIDFD
    pidfs,            // 6.9  an inode per process (identity), POLLHUP when it is reaped
    thread_pidfds,    // 6.9  PIDFD_THREAD
    signal_scopes,    // 6.9  PIDFD_SIGNAL_THREAD, _THREAD_GROUP, _PROCESS_GROUP
    namespace_ioctls, // 6.11 PIDFD_GET_*_NAMESPACE
    pidns_ioctls,     // 6.11 NS_GET_{PID,TGID}_{FROM,IN}_PIDNS
    info,             // 6.13 PIDFD_GET_INFO
    exit_info,        // 6.15 PIDFD_INFO_EXIT
    autokill,         // 7.1  CLONE_PIDFD_AUTOKILL
};
inline constexpr std::size_t kPidfdFeatureCount = 9;
using PidfdFeatures = std::bitset<kPidfdFeatureCount>;

inline constexpr std::array<std::string_view, kPidfdFeatureCount> kPidfdFeatureNames{
    "peer_pidfd",   "pidfs", "thread_pidfds", "signal_scopes", "namespace_ioctls",
    "pidns_ioctls", "info",  "exit_info",     "autokill"};

// Whether this kernel has the feature and forgo() has not taken it away. Each is tried once in the life of the process,
// when it is first asked for; one that could not be tried for want of descriptors, memory or processes counts as absent
// and is tried again. Any thread.
bool available(PidfdFeature feature);

// What this kernel has, all tried; forgo() does not change it.
PidfdFeatures probe_features();

// From now on the library behaves as on a kernel without these: to test and to show the older ways. Replaces what was
// forgone before. Call it while no other thread uses the library.
void forgo(PidfdFeatures features);

} // namespace knell
