#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace paygate {

/// The parts of make_node_identity()'s text.
struct node_identity {
  std::string boot_id;       ///< /proc/sys/kernel/random/boot_id.
  std::string pid_namespace; ///< Inode of /proc/self/ns/pid.
  std::int64_t pid = 0;
  std::int64_t process_start = 0; ///< Field 22 of /proc/<pid>/stat, in clock ticks since boot.
};
std::optional<node_identity> parse_node_identity(const std::string& text);

/// Whether that process is provably dead as seen by `self`: same boot, same pid namespace, and no such process or another one under its
/// pid. What cannot be seen counts as alive.
bool is_dead(const node_identity& other, const node_identity& self);

} // namespace paygate
