#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace paygate {

/// The whole file; nothing when it cannot be read to its end or is none: a folder, a pipe that would be waited for.
std::optional<std::string> read_file(const std::filesystem::path& path);

} // namespace paygate
