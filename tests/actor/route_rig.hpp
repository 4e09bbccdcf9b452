#pragma once

#include <map>
#include <string>

#include "actors/runtime/entity_actor.hpp"
#include "actors/runtime/exchange.hpp"
#include "actors/runtime/operator_json.hpp"
#include "actors/runtime/router.hpp"
#include "actors/runtime/shard.hpp"
#include "messages/pack.hpp"
#include "tests/support/memory_store.hpp"

// Nodes for the tests of what travels between them. The kind is a toy on the channel's snapshot.
namespace paygate::test {

/// Registered by register_channel; the same terms again change nothing, as every receiver of an ask does it. The title "ask:ID" owes an
/// ask of channel ID, until it is answered: then it is `offered`; a refusal that is final makes it `closed`.
struct asking_kind {
  using state = channel;
  using message = channel_message;
  static constexpr entity_kind kind = entity_kind::channel;

  static verdict<channel> apply(const channel& state, bool exists, const channel_message& message, const step_context&) {
    decision<channel> d{state};
    if (const auto* r = std::get_if<register_channel>(&message)) {
      d.changed = !exists || state.open_title != r->terms.open_title;
      d.next.open_title = r->terms.open_title;
      return d;
    }
    if (std::holds_alternative<get_channel>(message)) {
      if (!exists) return refused{refusal::not_found, "none"};
      d.changed = false;
      d.reply = channel_view{std::make_shared<const channel>(state)};
      return d;
    }
    const auto* reply = std::get_if<entity_reply>(&std::get<effect_done>(message).outcome);
    d.next.status = reply && std::holds_alternative<ok>(*reply) ? channel_status::offered : channel_status::closed;
    return d;
  }
  static std::vector<effect> effects_due(const channel& state, const entity_ref&, timestamp, const policy&) {
    if (state.status != channel_status::registered || !state.open_title.starts_with("ask:")) return {};
    effect e;
    e.key = "ask";
    e.request = ask_entity{{entity_kind::channel, state.open_title.substr(4)}, channel_message{register_channel{terms("asked")}}};
    return {e};
  }
  static std::optional<timestamp> wakes_at(const channel&, timestamp, const policy&) { return std::nullopt; }
  static std::optional<std::chrono::seconds> stuck_after(const channel&) { return std::nullopt; }

  static channel terms(const std::string& title) {
    channel c;
    c.open_title = title;
    return c;
  }
};

/// Sums of counters, by "name" and "name{label}".
class counted_metrics : public metrics_sink {
public:
  void count(std::string_view name, std::string_view label, std::int64_t n) override {
    sums[std::string(name)] += n;
    if (!label.empty()) sums[std::string(name) + "{" + std::string(label) + "}"] += n;
  }
  void gauge(std::string_view, std::string_view, std::int64_t) override {}
  void duration(std::string_view name, std::string_view, std::chrono::microseconds) override { ++sums[std::string(name)]; }
  std::map<std::string, std::int64_t> sums;
};

/// What a link does to the letters that one node sends to another.
enum class link_mode : std::uint8_t { pass, lose_letter, lose_answer, garble_answer, other_answer, twice };

/// Stands for the exchange of a peer, as BASP's proxy does; shared with the test, which sets the mode.
struct link_state {
  link_mode mode = link_mode::pass;
  caf::actor to, from;              ///< The exchanges at its ends; `from` once a pack has passed.
  std::vector<std::string> letters; ///< As they passed.
  std::vector<std::uint64_t> numbers; ///< Theirs, in packs.
  std::size_t packs = 0, answer_packs = 0;
};
using link_ptr = std::shared_ptr<link_state>;

/// The same numbers, with other bytes.
template <class F>
std::string repacked(const std::string& pack, F&& change) {
  pack_writer out;
  const auto read = read_pack(pack);
  for (const auto& each : std::get<std::vector<packed>>(read)) out.add(each.number, change(std::string(each.bytes)));
  return out.take().at(0);
}

inline caf::behavior link_behavior(caf::event_based_actor* self, link_ptr link) {
  return {[self, link](forward_atom, const std::string& bytes) -> caf::result<std::string> {
            using namespace std::chrono_literals;
            link->letters.push_back(bytes);
            if (link->mode == link_mode::pass) return self->delegate(link->to, forward_atom::value, bytes), caf::delegated<std::string>{};
            auto promise = self->make_response_promise<std::string>();
            if (link->mode == link_mode::lose_letter) return promise;
            if (link->mode == link_mode::twice) caf::anon_send(link->to, forward_atom::value, bytes);
            self->request(link->to, 10s, forward_atom::value, bytes)
                .then(
                    [link, promise](const std::string& answer) mutable {
                      if (link->mode == link_mode::garble_answer) return void(promise.deliver("\x01garbage" + answer));
                      if (link->mode == link_mode::other_answer) return void(promise.deliver(to_wire(remote_answer{std::string("{}")})));
                      if (link->mode != link_mode::lose_answer) promise.deliver(answer);
                    },
                    [](const caf::error&) {});
            return promise;
          },
          [self, link](letters_atom, const std::string& pack) {
            link->from = caf::actor_cast<caf::actor>(self->current_sender());
            ++link->packs;
            const auto read = read_pack(pack);
            for (const auto& each : std::get<std::vector<packed>>(read)) {
              link->letters.emplace_back(each.bytes);
              link->numbers.push_back(each.number);
            }
            if (link->mode == link_mode::lose_letter) return;
            if (link->mode == link_mode::twice) self->send(link->to, letters_atom::value, pack);
            self->send(link->to, letters_atom::value, pack);
          },
          [self, link](answers_atom, const std::string& pack) {
            ++link->answer_packs;
            const auto garbage = [](const std::string& bytes) { return "\x01garbage" + bytes; };
            const auto other = [](const std::string&) { return to_wire(remote_answer{std::string("{}")}); };
            if (link->mode == link_mode::lose_answer) return;
            self->send(link->from, answers_atom::value,
                       link->mode == link_mode::garble_answer  ? repacked(pack, garbage)
                       : link->mode == link_mode::other_answer ? repacked(pack, other)
                                                               : pack);
          },
          [self, link](ctl_atom, const std::string& who, const std::string& command) -> caf::result<std::string> {
            return self->delegate(link->to, ctl_atom::value, who, command), caf::delegated<std::string>{};
          }};
}

/// An id whose shard is that one: "<prefix>0", "<prefix>1", ...
inline std::string id_in(std::uint32_t shard, const std::string& prefix = "e") {
  for (int i = 0;; ++i)
    if (auto id = prefix + std::to_string(i); shard_of({entity_kind::channel, id}) == shard) return id;
}

} // namespace paygate::test
