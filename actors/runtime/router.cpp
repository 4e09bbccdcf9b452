#include "actors/runtime/router.hpp"

#include <caf/all.hpp>

#include "actors/runtime/entity.hpp"
#include "actors/runtime/shard.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

struct router_state {
  shard_table_ptr table = std::make_shared<const shard_table>();
  static inline const char* name = "router";
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

caf::behavior router_behavior(router_pointer self) {
  self->set_error_handler([](caf::scheduled_actor* a, caf::error& e) {
    log(log_level::warning, "router_error_message", {{"error", a->system().render(e)}});
  });
  auto shard_for = [self](const entity_ref& ref) { return (*self->state.table)[shard_of(ref)]; };
  return {
    [=](deliver_atom, const envelope_ptr& letter) -> caf::result<entity_reply_ptr> {
      if (auto shard = shard_for(letter->to)) return self->delegate(shard, deliver_atom::value, letter), caf::delegated<entity_reply_ptr>{};
      return std::make_shared<const entity_reply>(refused{refusal::not_owner, "this node does not hold the shard of " + to_text(letter->to)});
    },
    [=](wake_atom, const ref_ptr& ref) {
      if (auto shard = shard_for(*ref)) self->send(shard, wake_atom::value, ref);
    },
    [=](inspect_atom, const ref_ptr& ref) -> caf::result<std::string> {
      if (auto shard = shard_for(*ref)) return self->delegate(shard, inspect_atom::value, ref), caf::delegated<std::string>{};
      return std::string(R"({"resident":false,"where":"not on this node"})");
    },
    [=](retry_atom, const ref_ptr& ref, const std::string& reason) -> caf::result<std::string> {
      if (auto shard = shard_for(*ref)) return self->delegate(shard, retry_atom::value, ref, reason), caf::delegated<std::string>{};
      return std::string(R"({"error":{"code":"not_owner","text":"its shard is not on this node"}})");
    },
    [=](restart_atom, const ref_ptr& ref, const std::string& reason) -> caf::result<std::string> {
      if (auto shard = shard_for(*ref)) return self->delegate(shard, restart_atom::value, ref, reason), caf::delegated<std::string>{};
      return std::string(R"({"error":{"code":"not_owner","text":"its shard is not on this node"}})");
    },
    [=](moved_atom) {
      for (const auto& shard : *self->state.table)
        if (shard) self->send(shard, moved_atom::value);
    },
    [=](shards_atom) { return self->state.table; },
    [=](count_atom) { return count_residents(self); },
    [=](route_atom, const shard_table_ptr& table) { self->state.table = table; },
  };
}

} // namespace

caf::actor spawn_router(caf::actor_system& system) { return system.spawn(router_behavior); }

} // namespace paygate
