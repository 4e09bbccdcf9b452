#include "actors/runtime/exchange.hpp"

#include <algorithm>
#include <map>
#include <mutex>

#include <caf/all.hpp>

#include "actors/runtime/entity.hpp"
#include "actors/runtime/operator_json.hpp"
#include "actors/runtime/reply_sink.hpp"
#include "actors/runtime/router.hpp"
#include "messages/log.hpp"
#include "messages/pack.hpp"
#include "messages/wire.hpp"

namespace paygate {

namespace {

/// Of what nodes ask each other, each answers at once or within seconds.
constexpr auto question_wait = std::chrono::seconds(30);
/// Half of what a link carries in one message; beyond that the connection would be cut.
constexpr std::size_t answer_max = std::size_t{4} << 20;
/// How often it is looked whether letters wait that nobody waits for any more.
constexpr auto sweep_pause = std::chrono::milliseconds(250);

using bytes_promise = caf::typed_response_promise<std::string>;
using instant = caf::actor_clock::time_point;
/// (post, node, packs): there are answers to send to that node.
using post_atom = caf::atom_constant<caf::atom("post")>;
/// (gathered, node): its answers have waited for each other.
using gathered_atom = caf::atom_constant<caf::atom("gathered")>;
using sweep_atom = caf::atom_constant<caf::atom("sweep")>;

/// The letters of one node that wait here, and the answers that wait to be sent: these come from the threads of whoever gives them.
class peer_box {
public:
  enum class fate : std::uint8_t { taken, repeated, full };

  fate take(std::uint64_t number, instant until, std::size_t most) {
    const std::lock_guard guard(mutex_);
    if (open_.contains(number)) return fate::repeated;
    if (open_.size() >= most) return fate::full;
    open_.emplace(number, until);
    return fate::taken;
  }
  /// The answer to an open letter; the first one counts. True: it was given, and the exchange must be told to post.
  bool answer(std::uint64_t number, const std::string& bytes, bool& first) {
    const std::lock_guard guard(mutex_);
    if (open_.erase(number) == 0) return false;
    first = add(number, bytes);
    return true;
  }
  /// The answer to a letter that was not taken. True: the exchange must be told to post.
  bool answer_at_once(std::uint64_t number, const std::string& bytes) {
    const std::lock_guard guard(mutex_);
    return add(number, bytes);
  }
  std::vector<std::string> gathered() {
    const std::lock_guard guard(mutex_);
    return out_.take();
  }
  std::vector<std::uint64_t> overdue(instant now) {
    const std::lock_guard guard(mutex_);
    std::vector<std::uint64_t> late;
    for (const auto& [number, until] : open_)
      if (until <= now) late.push_back(number);
    return late;
  }
  /// Letters that wait.
  std::size_t open() {
    const std::lock_guard guard(mutex_);
    return open_.size();
  }
  bool is_idle() {
    const std::lock_guard guard(mutex_);
    return open_.empty() && out_.empty();
  }

private:
  bool add(std::uint64_t number, const std::string& bytes) {
    const bool first = out_.empty();
    out_.add(number, bytes);
    return first;
  }

  std::mutex mutex_;
  std::map<std::uint64_t, instant> open_;
  pack_writer out_;
};

/// A node, and whether it sends packs: one that does not asks for each letter by a request.
using peer_key = std::pair<caf::node_id, bool>;

struct peer {
  std::shared_ptr<peer_box> box = std::make_shared<peer_box>();
  caf::actor to;                                   ///< Who takes packs of answers there.
  std::map<std::uint64_t, bytes_promise> requests; ///< Of a node that sends no packs.
};

struct exchange_state {
  exchange_setup setup;
  shard_table_ptr table = std::make_shared<const shard_table>();
  cluster_view_ptr view;
  std::map<peer_key, peer> peers;
  std::uint64_t last_number = 0; ///< Of requests.
  bool sweeping = false;
  static inline const char* name = "exchange";
};

/// The way of an answer: from whoever gives it into its box, and from there out with what else has gathered.
struct answering {
  std::shared_ptr<peer_box> box;
  peer_key from;
  std::uint64_t number;
  caf::actor exchange;
  std::shared_ptr<metrics_sink> metrics;

  void operator()(const char* outcome, const remote_answer& text) const {
    bool first = false;
    if (!box->answer(number, to_wire(text), first)) return;
    metrics->count("letters_received_total", outcome);
    if (first) caf::anon_send(exchange, post_atom::value, from.first, from.second);
  }

  void operator()(const caf::type_erased_tuple& said) const {
    if (said.match_elements<entity_reply_ptr>()) return (*this)("handled", *said.get_as<entity_reply_ptr>(0));
    if (said.match_elements<std::string>()) return (*this)("handled", said.get_as<std::string>(0));
    // It ended before it took the letter: its shard is being handed over.
    if (said.match_elements<caf::error>() && said.get_as<caf::error>(0) == caf::sec::request_receiver_down)
      return (*this)("not_here", not_here{});
    (*this)("unanswered", entity_reply{refused{refusal::unavailable, "the shard does not answer"}});
  }
};

class exchange_shell {
public:
  using pointer = caf::stateful_actor<exchange_state>*;
  explicit exchange_shell(pointer self) : self_(self) {}

  bytes_promise take_request(const std::string& bytes) {
    const auto& sender = self_->current_sender(); // A promise takes the sender along.
    const peer_key from{sender ? sender->node() : caf::node_id{}, false};
    auto promise = self_->make_response_promise<std::string>();
    const auto number = ++st().last_number;
    auto& p = st().peers[from];
    p.requests.emplace(number, promise);
    take(from, p, number, bytes);
    return promise;
  }

  void take_pack(const std::string& pack) {
    const auto& sender = self_->current_sender();
    if (!sender) return;
    const peer_key from{sender->node(), true};
    const auto read = read_pack(pack);
    if (const auto* wrong = std::get_if<wire_error>(&read)) {
      st().setup.metrics->count("letters_received_total", "unreadable");
      return log(log_level::warning, "pack_unreadable", {{"node", caf::to_string(from.first)}, {"error", wrong->text}});
    }
    auto& p = st().peers[from];
    p.to = caf::actor_cast<caf::actor>(sender);
    for (const auto& each : std::get<std::vector<packed>>(read)) take(from, p, each.number, each.bytes);
  }

  /// There is the first answer of what may become a pack.
  void gather(const peer_key& to) {
    const auto found = st().peers.find(to);
    if (found == st().peers.end()) return;
    const auto pause = to.second ? st().setup.pause.of(found->second.box->open()) : milliseconds{0};
    if (pause > milliseconds{0})
      self_->delayed_send(self_, pause, gathered_atom::value, to.first);
    else
      post(to);
  }

  void post(const peer_key& to) {
    const auto found = st().peers.find(to);
    if (found == st().peers.end()) return;
    auto& p = found->second;
    for (auto& pack : p.box->gathered()) {
      if (to.second) {
        self_->send(p.to, answers_atom::value, std::move(pack));
        continue;
      }
      const auto read = read_pack(pack);
      for (const auto& each : std::get<std::vector<packed>>(read))
        if (auto asked = p.requests.extract(each.number)) asked.mapped().deliver(std::string(each.bytes));
    }
    if (p.box->is_idle()) st().peers.erase(found);
  }

  /// Whoever asked has given up by now.
  void sweep() {
    st().sweeping = false;
    const auto now = self_->clock().now();
    bool open = false;
    for (auto& [from, p] : st().peers) {
      for (const auto number : p.box->overdue(now))
        answer_for(from, p, number)("unanswered", entity_reply{refused{refusal::unavailable, "the shard does not answer in time"}});
      open = open || p.box->open() > 0;
    }
    if (open) keep_sweeping();
  }

  /// Whoever it says that asks: it is another node, and may ask what nodes ask each other. Not delegated, so that the inspector stays
  /// unknown to other nodes.
  bytes_promise question(const std::string& command) {
    auto promise = self_->make_response_promise<std::string>();
    if (!st().setup.inspector) {
      promise.deliver(error_json("unavailable", "this node answers no questions"));
      return promise;
    }
    self_->request(st().setup.inspector, question_wait, ctl_atom::value, std::string(another_node), command)
        .then(
            [promise](std::string& answer) mutable {
              if (answer.size() > answer_max) answer = error_json("too_long", "the answer is longer than what nodes send each other");
              promise.deliver(std::move(answer));
            },
            [promise](const caf::error&) mutable { promise.deliver(error_json("unavailable", "the inspector does not answer")); });
    return promise;
  }

private:
  exchange_state& st() { return self_->state; }

  std::string owner_of(const entity_ref& ref) {
    const auto* owner = st().view ? st().view->owner_of(shard_of(ref)) : nullptr;
    return owner ? owner->identity : std::string();
  }

  answering answer_for(const peer_key& from, const peer& p, std::uint64_t number) {
    return {p.box, from, number, caf::actor_cast<caf::actor>(self_), st().setup.metrics};
  }

  void answer_at_once(const peer_key& from, const peer& p, std::uint64_t number, const char* outcome, const remote_answer& text) {
    st().setup.metrics->count("letters_received_total", outcome);
    if (p.box->answer_at_once(number, to_wire(text))) self_->send(self_, post_atom::value, from.first, from.second);
  }

  void take(const peer_key& from, const peer& p, std::uint64_t number, std::string_view bytes) {
    auto read = read_letter(bytes);
    if (const auto* wrong = std::get_if<wire_error>(&read)) return answer_at_once(from, p, number, "unreadable", *wrong);
    auto& letter = std::get<remote_letter>(read);
    const auto* mail = std::get_if<envelope>(&letter.what);
    const auto& to = mail ? mail->to : std::get<entity_errand>(letter.what).of;
    const auto& shard = (*st().table)[shard_of(to)];
    if (!shard) return answer_at_once(from, p, number, "not_here", not_here{owner_of(to)});
    const auto patience = std::clamp(letter.patience, milliseconds(1), st().setup.patience_max);
    switch (p.box->take(number, self_->clock().now() + patience, st().setup.in_flight_max)) {
    case peer_box::fate::repeated: return;
    case peer_box::fate::full:
      return answer_at_once(from, p, number, "busy", entity_reply{refused{refusal::busy, "too many letters of this node wait here"}});
    case peer_box::fate::taken: break;
    }
    keep_sweeping();
    hand_over(shard, letter, answer_for(from, p, number));
  }

  void hand_over(const caf::actor& shard, remote_letter& letter, answering answer) {
    auto& system = self_->system();
    if (auto* mail = std::get_if<envelope>(&letter.what))
      return ask_into(system, shard, std::move(answer), deliver_atom::value,
                      envelope_ptr(std::make_shared<const envelope>(std::move(*mail))));
    auto& told = std::get<entity_errand>(letter.what);
    ref_ptr ref = std::make_shared<const entity_ref>(std::move(told.of));
    switch (told.what) {
    case errand::inspect: return ask_into(system, shard, std::move(answer), inspect_atom::value, ref);
    case errand::retry: return ask_into(system, shard, std::move(answer), retry_atom::value, ref, told.reason);
    case errand::restart: return ask_into(system, shard, std::move(answer), restart_atom::value, ref, told.reason);
    }
  }

  void keep_sweeping() {
    if (!std::exchange(st().sweeping, true)) self_->delayed_send(self_, sweep_pause, sweep_atom::value);
  }

  pointer self_;
};

} // namespace

caf::actor spawn_exchange(caf::actor_system& system, exchange_setup setup) {
  return system.spawn([setup = std::move(setup)](exchange_shell::pointer self) -> caf::behavior {
    self->state.setup = setup;
    self->set_error_handler([](caf::scheduled_actor* a, caf::error& e) {
      log(log_level::warning, "exchange_error_message", {{"error", a->system().render(e)}});
    });
    self->set_default_handler(
        [](caf::scheduled_actor*, caf::message_view&) -> caf::result<caf::message> { return caf::sec::unexpected_message; });
    self->send(setup.router, listen_atom::value, caf::actor_cast<caf::actor>(self));
    exchange_shell shell(self);
    return {
        [shell](forward_atom, const std::string& bytes) mutable { return shell.take_request(bytes); },
        [shell](letters_atom, const std::string& pack) mutable { shell.take_pack(pack); },
        // Whose they are is not believed: the link it came over says so.
        [self](answers_atom, const std::string& pack) {
          if (const auto& from = self->current_sender())
            self->send(self->state.setup.router, answers_atom::value, caf::actor_cast<caf::actor>(from), pack);
        },
        [shell](post_atom, const caf::node_id& node, bool packs) mutable {
          shell.gather({node, packs});
        },
        [shell](gathered_atom, const caf::node_id& node) mutable { shell.post({node, true}); },
        [shell](sweep_atom) mutable { shell.sweep(); },
        [shell](ctl_atom, const std::string&, const std::string& command) mutable { return shell.question(command); },
        [self](route_atom, const shard_table_ptr& table) { self->state.table = table; },
        [self](view_atom, const cluster_view_ptr& view) { self->state.view = view; },
    };
  });
}

} // namespace paygate
