#pragma once

namespace paygate {

/// Whether the processors of this machine have had next to nothing left to give lately; looked up a few times a second at most. Safe from
/// any thread. False where that cannot be known. Source: proc(5), /proc/stat.
bool machine_is_busy();

} // namespace paygate
