#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "messages/envelope.hpp"

// Letters and answers between nodes as bytes: compact, versioned, and read without trust. The first byte is `wire_version`.
//   - A number is a varint, a text its length and its bytes, a struct the number of members that follow and these members.
//   - A sender leaves out the last members that have their defaults. A reader gives members that are absent their defaults, and refuses
//     a struct with more members than it knows. So nodes of two versions understand each other until the newer one has something to say
//     that the older one must not overlook: that letter is answered by an error, and whoever waits sends it again.
//   - A new member comes last in its struct, its default saying what was meant before it existed. New alternatives come last in
//     their variant. Anything else needs another `wire_version`; a test holds the bytes of version 1 against this.
namespace paygate {

inline constexpr std::uint8_t wire_version = 1;
inline constexpr std::size_t wire_max = std::size_t{1} << 20; ///< Bytes of a letter or an answer.

struct wire_error {
  std::string text;
  bool operator==(const wire_error&) const = default;
};

/// What an operator wants of one entity in memory, besides a message to it. `reason` is empty for a look.
enum class errand : std::uint8_t { inspect, retry, restart };
template <>
struct enum_names<errand> {
  static constexpr std::string_view type = "errand";
  static constexpr std::string_view values[] = {"inspect", "retry", "restart"};
};
struct entity_errand {
  errand what = errand::inspect;
  entity_ref of;
  std::string reason;
  bool operator==(const entity_errand&) const = default;
};

/// What travels to another node: a message for an entity that lives there, or an errand. `patience`: nobody waits for the answer any
/// longer.
struct remote_letter {
  milliseconds patience{0};
  std::variant<envelope, entity_errand> what;
};

/// The node that was asked does not hold the shard. `owner`: the identity of who does, as far as it knows; empty: it knows nobody.
struct not_here {
  std::string owner;
  bool operator==(const not_here&) const = default;
};

/// An entity's answer, an errand's JSON text, or not_here. A wire_error: the letter could not be read there.
using remote_answer = std::variant<entity_reply, std::string, not_here, wire_error>;

/// The bytes, or why it cannot travel: an effect_done never leaves its node, and nothing is longer than wire_max.
std::variant<std::string, wire_error> to_wire(const envelope& letter, milliseconds patience);
std::variant<std::string, wire_error> to_wire(const entity_errand& what, milliseconds patience);
/// An answer that is too long becomes a wire_error that says so.
std::string to_wire(const remote_answer& answer);

/// Reads what to_wire wrote. Anything else is an error; nothing throws, and no memory is taken by an announced length.
std::variant<remote_letter, wire_error> read_letter(std::string_view bytes);
std::variant<remote_answer, wire_error> read_answer(std::string_view bytes);

} // namespace paygate
