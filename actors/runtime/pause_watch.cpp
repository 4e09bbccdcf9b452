#include "actors/runtime/pause_watch.hpp"

#include <set>

#include <caf/all.hpp>
#include <rapidjson/document.h>

#include "actors/runtime/entity.hpp"
#include "actors/runtime/node.hpp"
#include "actors/runtime/operator_json.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

constexpr auto interval = std::chrono::seconds(1);
constexpr auto patience = std::chrono::seconds(5);

struct watch_state {
  reader_actor reader;
  caf::actor node;
  ports_ptr ports;
  std::set<std::string> known; ///< By name, for the metrics.
  bool read = false;
  static inline const char* name = "pause_watch";
};

using watch_pointer = caf::stateful_actor<watch_state>*;

/// True when the answer could be read.
bool take(watch_pointer self, const std::string& answer) {
  rapidjson::Document rows;
  rows.Parse(answer.c_str());
  if (rows.HasParseError() || !rows.IsArray()) return false;
  auto& s = self->state;
  pause_set now;
  std::set<std::string> names;
  for (const auto& row : rows.GetArray()) {
    const auto what = text_of(row, "what");
    // A newer node may know more than this one.
    if (!now.add(what)) log(log_level::warning, "unknown_pause", {{"what", what}});
    names.insert(what);
  }
  for (const auto& gone : s.known)
    if (!names.contains(gone)) {
      s.ports->metrics->gauge("paused", gone, 0);
      log(log_level::info, "resumed", {{"what", gone}});
    }
  for (const auto& name : names)
    if (!s.known.contains(name)) {
      s.ports->metrics->gauge("paused", name, 1);
      log(log_level::warning, "paused", {{"what", name}});
    }
  s.known = std::move(names);
  s.read = true;
  if (s.ports->pauses->set(now)) self->send(s.node, resumed_atom::value);
  return true;
}

caf::typed_response_promise<std::string> read_now(watch_pointer self) {
  auto promise = self->make_response_promise<std::string>();
  self->request(self->state.reader, patience, query_atom::value, std::string("pauses"), std::string("{}"))
      .then([self,
             promise](const std::string& answer) mutable { promise.deliver(take(self, answer) ? "{\"pauses\":" + answer + "}" : answer); },
            [promise](const caf::error&) mutable { promise.deliver(error_json("unavailable", "the database does not answer")); });
  return promise;
}

} // namespace

caf::actor spawn_pause_watch(caf::actor_system& system, reader_actor reader, caf::actor node, ports_ptr ports) {
  ports->pauses->set(pause_set::everything());
  return system.spawn([reader = std::move(reader), node = std::move(node), ports = std::move(ports)](watch_pointer self) -> caf::behavior {
    self->state.reader = reader;
    self->state.node = node;
    self->state.ports = ports;
    self->set_error_handler([](caf::scheduled_actor* a, caf::error& e) {
      log(log_level::warning, "pause_watch_error_message", {{"error", a->system().render(e)}});
    });
    self->send(self, timer_atom::value);
    return {
        [self](timer_atom) {
          self->request(self->state.reader, patience, query_atom::value, std::string("pauses"), std::string("{}"))
              .then(
                  [self](const std::string& answer) {
                    if (!take(self, answer) && !self->state.read) log(log_level::warning, "pauses_not_read", {{"answer", answer}});
                    self->delayed_send(self, interval, timer_atom::value);
                  },
                  [self](const caf::error&) { self->delayed_send(self, interval, timer_atom::value); });
        },
        [self](query_atom) { return read_now(self); },
    };
  });
}

} // namespace paygate
