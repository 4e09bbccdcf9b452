#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paygate {

/// What may come in over a connection, in the frames of CAF 0.17's network protocol (BASP): a header of 32 bytes, then as many as it says.
struct guard_rules {
  /// A frame announced as longer ends the connection: BASP would make room for up to 4 GB on the word of a header.
  std::size_t frame_max = 8u << 20;
  /// Set for peers that are trusted with one actor only (operators): the actor's id. Whatever else they send is dropped, and what no honest
  /// tool sends ends the connection: BASP itself would take any frame to any actor of the process.
  std::optional<std::uint64_t> only_actor;
  /// Set for nodes: the actors that they may send requests to. Answers pass only to requests that went out over this connection (`sent`),
  /// once: else a node could answer what another one was asked, by guessing a number. They are held to the kinds of messages that nodes
  /// send each other; anything else ends the connection. Empty: whatever fits in frame_max may come.
  std::vector<std::uint64_t> node_actors;
  /// Looks at the payload of each handshake, which begins with the peer's node id; a sentence refuses it.
  std::function<std::optional<std::string>(std::string_view payload)> check_handshake;
};

/// Passes a peer's bytes on as far as the rules allow. It holds back at most a header, a handshake, or the opening of a
/// message: BASP would make anything of the types that a message names, handles that link and lists as long as they say included.
class frame_guard {
public:
  explicit frame_guard(guard_rules rules) : rules_(std::move(rules)) {}

  /// Appends to `out` what may pass. A sentence when the connection must end: what it appended before may still be passed on.
  std::optional<std::string> feed(const std::uint8_t* data, std::size_t size, std::vector<std::uint8_t>& out);

  /// What goes out to the peer, in order.
  void sent(const std::uint8_t* data, std::size_t size);

  std::uint64_t dropped() const { return dropped_; } ///< Frames.

  static constexpr std::size_t header_size = 32;
  static constexpr std::size_t handshake_max = 4096;      ///< Of a handshake's payload,
  static constexpr std::size_t small_max = 4096;          ///< of what nodes send each other besides letters and questions,
  static constexpr std::size_t question_max = 128 * 1024; ///< and of a question; the inspector takes half of it.
  static constexpr std::size_t asked_max = 4096;          ///< Requests whose answer may still come; the oldest are forgotten beyond.

private:
  enum class fate : std::uint8_t { pass, drop, hold };
  using question = std::pair<std::uint64_t, std::uint64_t>; ///< Who asked, and the number of the request.

  void note_asked();
  bool forget_asked(const question& answered);
  std::optional<std::string> on_header();
  std::optional<std::string> judge_operator(std::uint8_t operation);
  std::optional<std::string> judge_node(std::uint8_t operation);
  std::optional<std::string> on_held() const;
  std::optional<std::string> judge_opening(std::string_view payload) const;
  void hold(std::size_t bytes);
  std::optional<std::string> drop();

  guard_rules rules_;
  std::vector<std::uint8_t> held_; ///< A header, and as much of its payload as must be seen before any of it passes.
  std::size_t wanted_ = 0;         ///< How much must be held before it is judged.
  std::uint64_t rest_ = 0;         ///< Of the current frame's payload.
  fate fate_ = fate::pass;
  std::vector<std::uint8_t> out_header_; ///< Of what goes out.
  std::uint64_t out_rest_ = 0;
  std::map<question, std::uint64_t> asked_; ///< The questions that wait for their answer, each with its place in
  std::map<std::uint64_t, question> asked_order_;
  std::uint64_t last_asked_ = 0;
  bool shook_ = false; ///< The first frame was a handshake, as it must be.
  std::uint64_t dropped_ = 0;
};

} // namespace paygate
