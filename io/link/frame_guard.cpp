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
      if (bare_stages_ && *data != 0) return "a message with further receivers";
      bare_stages_ = false;
      if (fate_ == fate::pass) out.insert(out.end(), data, data + taken);
      if (fate_ == fate::hold) held_.insert(held_.end(), data, data + taken);
      rest_ -= taken;
      if (rest_ == 0 && fate_ == fate::hold) {
        const std::string_view payload(reinterpret_cast<const char*>(held_.data()) + header_size, held_.size() - header_size);
        if (rules_.check_handshake)
          if (auto wrong = rules_.check_handshake(payload)) return wrong;
        out.insert(out.end(), held_.begin(), held_.end());
        held_.clear();
      }
    }
    data += taken;
    size -= taken;
  }
  return std::nullopt;
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
    fate_ = fate::hold;
    return rules_.only_actor && what == server_handshake ? std::optional<std::string>("a server's handshake from a client") : std::nullopt;
  }
  return rules_.only_actor ? judge_operator(what) : std::nullopt;
}

std::optional<std::string> frame_guard::judge_operator(std::uint8_t operation) {
  const auto flags = held_[3];
  const auto to = big_endian(held_.data() + 24, 8);
  if (operation == heartbeat) return rest_ == 0 ? std::nullopt : std::optional<std::string>("a heartbeat with a payload");
  if (operation == routed_message) return "a message for another node";
  if (operation == direct_message && flags == 0 && to == *rules_.only_actor && rest_ > 0) {
    bare_stages_ = true;
    return std::nullopt;
  }
  // CAF asks each node it meets for its spawn server, and watches what it has handles of.
  ++dropped_;
  fate_ = fate::drop;
  return std::nullopt;
}

} // namespace paygate
