#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <caf/actor.hpp>
#include <caf/actor_clock.hpp>
#include <caf/atom.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/response_promise.hpp>

#include "messages/cluster.hpp"
#include "messages/interfaces.hpp"
#include "messages/pack.hpp"
#include "messages/ports.hpp"
#include "messages/wire.hpp"

namespace paygate {

/// How much may be under way to another node, and for how long.
struct route_limits {
  milliseconds patience{4'000};                  ///< A letter is answered in so long, whatever happens. Below every asker's own patience.
  milliseconds view_wait{1'000};                 ///< A letter whose shard was not where we thought waits so long for a fresh view.
  milliseconds link_wait{2'000};                 ///< So long after a member was first seen, letters to it wait for the first link to it.
  milliseconds question_wait{8'000};             ///< The same as `patience` for questions to another node's inspector.
  std::size_t in_flight_max = 1'024;             ///< Letters to one node; more are refused as busy: CAF's network layer holds nobody back.
  std::size_t bytes_max = std::size_t{16} << 20; ///< And bytes.
  std::uint32_t tries_max = 4;                   ///< Nodes asked for one letter.
  pack_pause pause{};                            ///< For letters to one node to gather.
  std::uint64_t first_number = 0; ///< Another one in each life: a node that starts anew may pass for its last one, which answers may still be owed to.
};

/// (refresh): the router asks whoever sends it views for a fresh one; no answer.
using refresh_atom = caf::atom_constant<caf::atom("refresh")>;
/// (overdue): the router to itself, when letters may have waited too long for a view.
using overdue_atom = caf::atom_constant<caf::atom("overdue")>;
/// (silence): the router to itself, when a letter may have waited too long for its answer.
using silence_atom = caf::atom_constant<caf::atom("silence")>;
/// (dispatch, identity): the router to itself, behind what is in its mailbox or after a pause: letters to that node have gathered.
using dispatch_atom = caf::atom_constant<caf::atom("dispatch")>;

/// Carries letters to the nodes that hold their shards: a part of the router, and runs in its actor. A letter goes to the owner by the
/// newest view, over the link there. It is answered
///   - by the entity, after its step is committed there;
///   - `unavailable` at once: nobody is known to hold the shard, the link was cut or is down, or the answer makes no sense; while a
///     member has just joined and there was no link to it yet, after `link_wait`;
///   - `unavailable` after `patience`: a lost message, a frozen node. It may have been handled: whoever asks again asks for the same;
///   - `busy`: too much is under way to that node, here or there.
/// Letters to one node that are in the router's mailbox together travel together (messages/pack.hpp), or those of `pause`, and so do their
/// answers; to a node that does not know packs yet each travels alone, as a request. An answer counts only from the node that was asked. A node that does not
/// hold the shard says who does: the letter is sent there, or waits for a fresh view; so does a letter for a shard that this node is just
/// handing over. Metrics: letters_forwarded_total, letter_forward_seconds, letters_forward_failed_total{reason}.
class forwarder {
public:
  /// The shard's actor when it lives here.
  using local_fn = std::function<caf::actor(std::uint32_t shard)>;
  forwarder(caf::event_based_actor* self, local_fn local, std::shared_ptr<metrics_sink> metrics, route_limits limits);

  void on_view(cluster_view_ptr view, caf::actor from);
  void on_route();                  ///< The shards that live here are others now.
  void on_exchange(caf::actor own); ///< In whose name packs are sent.
  /// `packs`: that node knows them.
  void on_link_up(const std::string& identity, caf::actor exchange, bool packs);
  void on_link_down(const std::string& identity);
  void on_overdue();
  void on_silence();
  void dispatch(const std::string& identity);
  /// A pack of answers, from the exchange of a node.
  void on_answers(const caf::actor& from, const std::string& pack);

  /// The promise is answered with an entity_reply_ptr / with JSON text, once.
  void carry(const envelope_ptr& letter, caf::response_promise promise);
  void carry(entity_errand what, caf::response_promise promise);
  /// To the node of that identity or name; answered with JSON text.
  void ask_node(const std::string& node, const std::string& who, const std::string& command, caf::response_promise promise);
  std::string peers() const;

private:
  using instant = caf::actor_clock::time_point;
  struct parcel {
    std::variant<envelope_ptr, entity_errand> what;
    caf::response_promise promise;
    instant sent{}, until{}, wait_until{};
    bool for_link = false; ///< It waits for a link, not for a view.
    std::uint32_t tries = 0;
    std::uint64_t number = 0; ///< Of the newest try.
    std::size_t size = 0;     ///< In bytes.

    const entity_ref& to() const;
  };
  using parcel_ptr = std::shared_ptr<parcel>;
  struct peer {
    caf::actor exchange;
    bool packs = false;
    pack_writer gathered; ///< Since the last dispatch, which is on its way when there is anything.
    std::map<std::uint64_t, parcel_ptr> under_way; ///< By number: whoever goes through them meets the oldest first.
    std::size_t bytes = 0;
    std::uint64_t nonsense = 0; ///< Answers that could not be read.
  };

  void carry(parcel_ptr p);
  void send(const parcel_ptr& p);
  void send_to(const std::string& identity, peer& to, const parcel_ptr& p);
  void on_answer(const std::string& identity, std::uint64_t number, std::string_view bytes);
  void request(const std::string& identity, peer& to, const parcel_ptr& p, std::string bytes);
  void on_error(const std::string& identity, std::uint64_t number, const caf::error& why);
  void watch(instant until);
  void on_not_here(const std::string& identity, const std::string& owner, const parcel_ptr& p);
  void on_nonsense(const std::string& identity, const parcel_ptr& p, const char* reason, const std::string& text);
  bool deliver_here(const parcel_ptr& p);
  parcel_ptr take(const std::string& identity, std::uint64_t number);
  std::string owner_of(std::uint32_t shard) const;
  void await_view(const parcel_ptr& p);
  void await_link(const std::string& identity, const parcel_ptr& p);
  void hold(const parcel_ptr& p, instant until, bool for_link);
  void watch_held(instant until);
  void refresh();
  void refuse(const parcel_ptr& p, refusal code, const char* reason, std::string text);
  instant now() const { return self_->clock().now(); }

  caf::event_based_actor* self_;
  local_fn local_;
  std::shared_ptr<metrics_sink> metrics_;
  route_limits limits_;
  cluster_view_ptr view_;
  caf::actor exchange_;                          ///< This node's.
  caf::actor keeper_;                            ///< Who sends the views.
  std::map<std::uint32_t, std::string> learned_; ///< Owners that other nodes named since the newest view.
  std::map<std::string, peer, std::less<>> peers_;
  std::map<std::string, instant, std::less<>> link_due_; ///< Until when the first link to a member is waited for.
  std::vector<parcel_ptr> waiting_;                      ///< For a fresh view or a first link.
  std::uint64_t last_number_;
  instant refreshed_at_{};
  instant overdue_at_ = instant::max(); ///< When the next of those who wait may have waited too long.
  instant watched_until_ = instant::max(); ///< When the next letter may have waited too long for its answer.
};

} // namespace paygate
