#include "config/read_file.hpp"

#include <array>
#include <fstream>

namespace paygate {

std::optional<std::string> read_file(const std::filesystem::path& path) {
  std::error_code none;
  if (!std::filesystem::is_regular_file(path, none)) return std::nullopt;
  std::ifstream stream(path, std::ios::binary);
  std::string text;
  std::array<char, 4096> part;
  // Not by iterators: those throw where the disk fails, read() only says so.
  while (stream.read(part.data(), part.size()) || stream.gcount() > 0) text.append(part.data(), static_cast<std::size_t>(stream.gcount()));
  if (!stream.eof() || stream.bad()) return std::nullopt;
  return text;
}

} // namespace paygate
