#include "actors/runtime/router.hpp"

#include <caf/all.hpp>

#include "actors/runtime/entity.hpp"
#include "actors/runtime/shard.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

struct router_state {
  shard_table_ptr table = std::make_shared<const shard_table>();
  std::unique_ptr<forwarder> away; ///< For everything that does not live here.
  caf::actor exchange;             ///< Where other nodes' letters come in.
  cluster_view_ptr view;
  static inline const char* name = "router";
};

struct silent_metrics final : metrics_sink {
  void count(std::string_view, std::string_view, std::int64_t) override {}
  void gauge(std::string_view, std::string_view, std::int64_t) override {}
  void duration(std::string_view, std::string_view, std::chrono::microseconds) override {}
};

using router_pointer = caf::stateful_actor<router_state>*;

/// Adds up the residents of all shards; answers when the last one has.
caf::typed_response_promise<std::uint64_t> count_residents(router_pointer self) {
  auto promise = self->make_response_promise<std::uint64_t>();
  auto total = std::make_shared<std::uint64_t>(0);
  auto open = std::make_shared<std::size_t>(0);
  for (const auto& shard : *self->state.table)
    if (shard) ++*open;
  if (*open == 0) {
    promise.deliver(std::uint64_t{0});
    return promise;
  }
  auto finish = [promise, total, open](std::uint64_t n) mutable {
    *total += n;
    if (--*open == 0) promise.deliver(*total);
  };
  for (const auto& shard : *self->state.table)
    if (shard)
      self->request(shard, std::chrono::seconds(5), count_atom::value)
          .then([finish](std::uint64_t n) mutable { finish(n); }, [finish](const caf::error&) mutable { finish(0); });
  return promise;
}

/// To the shard if it lives here, else to the node where it does. `here` is only made when it is.
template <class... Here>
caf::result<std::string> run_errand(router_pointer self, errand what, const ref_ptr& ref, const std::string& reason, Here... here) {
  if (const auto& shard = (*self->state.table)[shard_of(*ref)])
    return self->delegate(shard, std::move(here)...), caf::delegated<std::string>{};
  auto promise = self->make_response_promise<std::string>();
  self->state.away->carry(entity_errand{what, *ref, reason}, promise);
  return promise;
}

/// Who is where: from the node keeper and the links.
caf::message_handler whereabouts(router_pointer self) {
  return {
      [=](route_atom, const shard_table_ptr& table) {
        self->state.table = table;
        if (self->state.exchange) self->send(self->state.exchange, route_atom::value, table);
        self->state.away->on_route();
      },
      [=](view_atom, const cluster_view_ptr& view) {
        self->state.view = view;
        if (self->state.exchange) self->send(self->state.exchange, view_atom::value, view);
        self->state.away->on_view(view, caf::actor_cast<caf::actor>(self->current_sender()));
      },
      [=](listen_atom, const caf::actor& exchange) {
        self->state.exchange = exchange;
        self->state.away->on_exchange(exchange);
        self->send(exchange, route_atom::value, self->state.table);
        if (self->state.view) self->send(exchange, view_atom::value, self->state.view);
      },
      [=](link_up_atom, const std::string& identity, const caf::actor& exchange) {
        self->state.away->on_link_up(identity, exchange, false);
      },
      [=](link_up_atom, const std::string& identity, const caf::actor& exchange, bool packs) {
        self->state.away->on_link_up(identity, exchange, packs);
      },
      [=](answers_atom, const caf::actor& from, const std::string& pack) { self->state.away->on_answers(from, pack); },
      [=](dispatch_atom, const std::string& identity) { self->state.away->dispatch(identity); },
      [=](silence_atom) { self->state.away->on_silence(); },
      [=](link_down_atom, const std::string& identity) { self->state.away->on_link_down(identity); },
      [=](overdue_atom) { self->state.away->on_overdue(); },
      [=](peers_atom) { return self->state.away->peers(); },
      [=](ctl_atom, const std::string& node, const std::string& who, const std::string& command) {
        auto promise = self->make_response_promise<std::string>();
        self->state.away->ask_node(node, who, command, promise);
        return promise;
      },
  };
}

caf::behavior router_behavior(router_pointer self, std::shared_ptr<metrics_sink> metrics, route_limits limits) {
  if (!metrics) metrics = std::make_shared<silent_metrics>();
  self->state.away = std::make_unique<forwarder>(
      self, [self](std::uint32_t shard) { return (*self->state.table)[shard]; }, std::move(metrics), limits);
  self->set_error_handler([](caf::scheduled_actor* a, caf::error& e) {
    log(log_level::warning, "router_error_message", {{"error", a->system().render(e)}});
  });
  self->set_default_handler([](caf::scheduled_actor*, caf::message_view& view) -> caf::result<caf::message> {
    log(log_level::warning, "router_unexpected_message", {{"message", caf::to_string(view.content())}});
    return caf::sec::unexpected_message;
  });
  caf::message_handler entities{
      [=](deliver_atom, const envelope_ptr& letter) -> caf::result<entity_reply_ptr> {
        if (const auto& shard = (*self->state.table)[shard_of(letter->to)])
          return self->delegate(shard, deliver_atom::value, letter), caf::delegated<entity_reply_ptr>{};
        auto promise = self->make_response_promise<entity_reply_ptr>();
        self->state.away->carry(letter, promise);
        return promise;
      },
      [=](wake_atom, const ref_ptr& ref) {
        if (const auto& shard = (*self->state.table)[shard_of(*ref)]) self->send(shard, wake_atom::value, ref);
      },
      [=](inspect_atom, const ref_ptr& ref) { return run_errand(self, errand::inspect, ref, "", inspect_atom::value, ref); },
      [=](retry_atom, const ref_ptr& ref, const std::string& reason) {
        return run_errand(self, errand::retry, ref, reason, retry_atom::value, ref, reason);
      },
      [=](restart_atom, const ref_ptr& ref, const std::string& reason) {
        return run_errand(self, errand::restart, ref, reason, restart_atom::value, ref, reason);
      },
      [=](moved_atom) {
        for (const auto& shard : *self->state.table)
          if (shard) self->send(shard, moved_atom::value);
      },
      [=](shards_atom) { return self->state.table; },
      [=](count_atom) { return count_residents(self); },
  };
  return entities.or_else(whereabouts(self));
}

} // namespace

caf::actor spawn_router(caf::actor_system& system, std::shared_ptr<metrics_sink> metrics, route_limits limits) {
  return system.spawn(router_behavior, std::move(metrics), limits);
}

} // namespace paygate
