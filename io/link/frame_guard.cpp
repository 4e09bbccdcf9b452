#include "io/link/frame_guard.hpp"

#include <algorithm>

namespace paygate {

namespace {

// caf/io/basp/message_type.hpp of 0.17.
enum operation : std::uint8_t {
  server_handshake,
  client_handshake,
  direct_message,
  routed_message,
  monitor_message,
  down_message,
  heartbeat
};

std::uint64_t big_endian(const std::uint8_t* at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | at[i];
  return value;
}

constexpr std::uint8_t response_bit = 0x80, answered_bit = 0x40, stream_bit = 0x20; // caf/message_id.hpp: the highest bits of an id.

constexpr std::uint64_t request_mask = 0x0FFFFFFFFFFFFFFF; // The number of a request, without flags and priority; 0: it asks nothing.

/// caf::atom: six bits a letter.
constexpr std::uint64_t atom_of(std::string_view text) {
  constexpr std::string_view letters = " 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
  std::uint64_t value = 0xF;
  for (const char c : text) value = value << 6 | letters.find(c);
  return value;
}

/// How a message begins: no further receivers, no number of a type list, but its name; then the values. Each kind that may come has one.
struct opening {
  std::string_view types, atom; ///< Without an atom: the first value is none, or any.
  std::size_t most;             ///< The longest payload.
};
constexpr std::size_t any_size = SIZE_MAX;
constexpr opening from_operators[] = {{"@<>+@atom+@str", "ctl", frame_guard::question_max}};
constexpr opening from_nodes[] = {
    {"@<>+@atom+@u32+@str+@actor", "hello", frame_guard::small_max},
    {"@<>+@atom+@str+@actor", "hello", frame_guard::small_max}, // The answer.
    {"@<>+@atom+@str", "forward", any_size},
    {"@<>+@atom+@str", "letters", any_size},
    {"@<>+@atom+@str", "answers", any_size},
    {"@<>+@atom+@str+@str", "ctl", frame_guard::question_max},
    {"@<>+@str", {}, any_size}, // The answer to both.
    // An error has a message within: in a long one they could lie in each other until the stack is used up.
    {"@<>+@error", {}, frame_guard::small_max},
};
constexpr std::size_t types_at = 4; ///< After a count of receivers, a number in two bytes, and the length of the name.
constexpr std::size_t opening_max = 48;

bool fits(const opening& kind, std::string_view payload, std::size_t size) {
  if (size > kind.most || payload.size() < types_at || payload.substr(0, 3) != std::string_view("\0\0\0", 3)) return false;
  if (static_cast<std::uint8_t>(payload[3]) != kind.types.size() || payload.substr(types_at, kind.types.size()) != kind.types) return false;
  if (kind.atom.empty()) return true;
  const auto value = payload.substr(types_at + kind.types.size(), 8);
  return value.size() == 8 && big_endian(reinterpret_cast<const std::uint8_t*>(value.data()), 8) == atom_of(kind.atom);
}

} // namespace

std::optional<std::string> frame_guard::feed(const std::uint8_t* data, std::size_t size, std::vector<std::uint8_t>& out) {
  while (size > 0) {
    std::size_t taken = 0;
    if (rest_ == 0) { // Inside a header.
      taken = std::min(size, header_size - held_.size());
      held_.insert(held_.end(), data, data + taken);
      if (held_.size() == header_size) {
        if (auto wrong = on_header()) return wrong;
        if (fate_ == fate::pass) out.insert(out.end(), held_.begin(), held_.end());
        if (fate_ != fate::hold) held_.clear();
      }
    } else {
      taken = static_cast<std::size_t>(std::min<std::uint64_t>(size, rest_));
      if (fate_ == fate::hold) taken = std::min(taken, wanted_ - held_.size());
      if (fate_ == fate::pass) out.insert(out.end(), data, data + taken);
      if (fate_ == fate::hold) held_.insert(held_.end(), data, data + taken);
      rest_ -= taken;
      if (fate_ == fate::hold && held_.size() == wanted_) {
        if (auto wrong = on_held()) return wrong;
        out.insert(out.end(), held_.begin(), held_.end());
        held_.clear();
        fate_ = fate::pass;
      }
    }
    data += taken;
    size -= taken;
  }
  return std::nullopt;
}

void frame_guard::sent(const std::uint8_t* data, std::size_t size) {
  while (size > 0) {
    std::size_t taken = 0;
    if (out_rest_ > 0) {
      taken = static_cast<std::size_t>(std::min<std::uint64_t>(size, out_rest_));
      out_rest_ -= taken;
    } else {
      taken = std::min(size, header_size - out_header_.size());
      out_header_.insert(out_header_.end(), data, data + taken);
      if (out_header_.size() == header_size) {
        out_rest_ = big_endian(out_header_.data() + 4, 4);
        note_asked();
        out_header_.clear();
      }
    }
    data += taken;
    size -= taken;
  }
}

void frame_guard::note_asked() {
  const auto id = big_endian(out_header_.data() + 8, 8);
  const bool is_request = (out_header_[8] & (response_bit | answered_bit)) == 0 && (id & request_mask) != 0;
  if (out_header_[0] != direct_message || !is_request) return;
  const question asked{big_endian(out_header_.data() + 16, 8), id & request_mask};
  if (!asked_.emplace(asked, ++last_asked_).second) return;
  asked_order_.emplace(last_asked_, asked);
  if (asked_.size() > asked_max) forget_asked(question(asked_order_.begin()->second));
}

/// Whether it was open.
bool frame_guard::forget_asked(const question& answered) {
  const auto found = asked_.extract(answered);
  return found && asked_order_.erase(found.mapped()) > 0;
}

std::optional<std::string> frame_guard::on_header() {
  const auto what = held_[0];
  rest_ = big_endian(held_.data() + 4, 4);
  fate_ = fate::pass;
  if (what > heartbeat) return "no frame: operation " + std::to_string(what);
  if (rest_ > rules_.frame_max)
    return "a frame of " + std::to_string(rest_) + " bytes is announced; the most is " + std::to_string(rules_.frame_max);
  const bool handshake = what == server_handshake || what == client_handshake;
  if (!handshake && !shook_) return "the first frame is no handshake";
  if (handshake) {
    if (rest_ == 0 || rest_ > handshake_max) return "a handshake of " + std::to_string(rest_) + " bytes";
    shook_ = true;
    hold(static_cast<std::size_t>(rest_));
    return rules_.only_actor && what == server_handshake ? std::optional<std::string>("a server's handshake from a client") : std::nullopt;
  }
  if (rules_.only_actor) return judge_operator(what);
  return rules_.node_actors.empty() ? std::nullopt : judge_node(what);
}

std::optional<std::string> frame_guard::judge_operator(std::uint8_t operation) {
  const auto flags = held_[3];
  const auto to = big_endian(held_.data() + 24, 8);
  if (operation == heartbeat) return rest_ == 0 ? std::nullopt : std::optional<std::string>("a heartbeat with a payload");
  if (operation == routed_message) return "a message for another node";
  // CAF asks each node it meets for its spawn server, and watches what it has handles of.
  if (operation != direct_message || flags != 0 || to != *rules_.only_actor || rest_ == 0) return drop();
  if ((held_[8] & (response_bit | answered_bit | stream_bit)) != 0) return "a message that is no question";
  hold(static_cast<std::size_t>(std::min<std::uint64_t>(rest_, opening_max)));
  return std::nullopt;
}

std::optional<std::string> frame_guard::judge_node(std::uint8_t operation) {
  const auto to = big_endian(held_.data() + 24, 8);
  if (operation == routed_message) return "a message for another node";
  if (operation != direct_message)
    return rest_ <= small_max ? std::nullopt : std::optional<std::string>("a word about actors of " + std::to_string(rest_) + " bytes");
  if (held_[3] != 0) return drop(); // To an actor by its name: CAF's spawn server.
  if ((held_[8] & stream_bit) != 0) return "a stream";
  const auto& known = rules_.node_actors;
  const bool is_answer = (held_[8] & response_bit) != 0;
  if (is_answer ? !forget_asked({to, big_endian(held_.data() + 8, 8) & request_mask})
                : std::find(known.begin(), known.end(), to) == known.end())
    return drop();
  if (rest_ == 0) return "a message without a type";
  hold(static_cast<std::size_t>(std::min<std::uint64_t>(rest_, opening_max)));
  return std::nullopt;
}

/// What is held is a handshake, or the opening of a message.
std::optional<std::string> frame_guard::on_held() const {
  const std::string_view payload(reinterpret_cast<const char*>(held_.data()) + header_size, held_.size() - header_size);
  if (held_[0] == direct_message) return judge_opening(payload);
  return rules_.check_handshake ? rules_.check_handshake(payload) : std::nullopt;
}

std::optional<std::string> frame_guard::judge_opening(std::string_view payload) const {
  const auto size = big_endian(held_.data() + 4, 4);
  const auto allowed = [&](const opening& kind) { return fits(kind, payload, size); };
  const bool good = rules_.only_actor ? std::any_of(std::begin(from_operators), std::end(from_operators), allowed)
                                      : std::any_of(std::begin(from_nodes), std::end(from_nodes), allowed);
  return good ? std::nullopt : std::optional<std::string>("a message of a kind that is not expected here");
}

void frame_guard::hold(std::size_t bytes) {
  fate_ = fate::hold;
  wanted_ = header_size + bytes;
}

std::optional<std::string> frame_guard::drop() {
  ++dropped_;
  fate_ = fate::drop;
  return std::nullopt;
}

} // namespace paygate
