#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <caf/atom.hpp>

#include "messages/time.hpp"
#include "messages/wire.hpp"

// Several letters, or several answers, in one message between two nodes: what has gathered while others were being handled. A letter has a
// number of its sender's, and its answer has the same. The first byte is `pack_version`; then number, length, bytes, again and again.
namespace paygate {

/// (letters, pack): letters to the exchange of another node; each is answered in a pack (answers, pack) to the exchange that sent it.
using letters_atom = caf::atom_constant<caf::atom("letters")>;
using answers_atom = caf::atom_constant<caf::atom("answers")>;

inline constexpr std::uint8_t pack_version = 1;
inline constexpr std::size_t pack_full = std::size_t{256}
                                         << 10; ///< No more is put into one that has reached this: at most wire_max longer.
inline constexpr std::size_t pack_most = 1'024; ///< Nor more than so many: a reader takes memory for each.

/// When what has gathered waits for more. Each message between nodes costs more than the letters in it, and whoever asks a machine that is
/// pressed waits anyway; few who wait for each other would only be slower.
struct pack_pause {
  std::function<unsigned()> pressure; ///< Of the machine, in steps; null: there is none.
  milliseconds step{2};               ///< So long for each.
  std::size_t crowd = 16;             ///< So many letters must be under way between the two nodes.

  /// 0: not at all.
  milliseconds of(std::size_t under_way) const { return pressure && under_way >= crowd ? step * pressure() : milliseconds{0}; }
};

/// Gathers what goes out, in packs.
class pack_writer {
public:
  void add(std::uint64_t number, std::string_view bytes);
  bool empty() const { return packs_.empty(); }
  /// What has gathered, in order; nothing is left.
  std::vector<std::string> take();

private:
  std::vector<std::string> packs_;
  std::size_t in_last_ = 0;
};

/// One of a pack; the bytes are the pack's.
struct packed {
  std::uint64_t number = 0;
  std::string_view bytes;
  bool operator==(const packed&) const = default;
};

/// Reads without trust: whatever is not exactly what pack_writer makes is an error as a whole.
std::variant<std::vector<packed>, wire_error> read_pack(std::string_view pack);

} // namespace paygate
