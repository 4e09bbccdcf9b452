#include "daemon/currency_watch.hpp"

#include <caf/all.hpp>

#include "io/codec/json.hpp"
#include "messages/log.hpp"
#include "persistence/api_queries.hpp"

namespace paygate {

namespace {

using look_atom = caf::atom_constant<caf::atom("curlook")>;

// The start has better to do.
constexpr std::chrono::seconds first_look{20}, next_look{60};
constexpr milliseconds ask_deadline{5'000};

void look(const api_reader& ask, const std::function<std::variant<std::vector<exchange_currency>, io_failure>()>& read) {
  const auto due = parse_json(ask(queries::currencies_due, R"({"older_than":86400})", ask_deadline));
  if (!due || !json_bool(*due, "due").value_or(false)) return;
  const auto came = read();
  if (const auto* failure = std::get_if<io_failure>(&came)) {
    log(log_level::warning, "currencies_not_read", {{"error", failure->code + ": " + failure->text}});
    ask(queries::currencies_failed, "{\"error\":\"" + failure->code + "\"}", ask_deadline);
    return;
  }
  const auto& list = std::get<std::vector<exchange_currency>>(came);
  const auto known = parse_json(ask(queries::currencies_read, exchange_currencies_json(list), ask_deadline));
  log(log_level::info, "currencies_read", {{"known", known ? json_text_or_empty(*known, "known") : "0"}});
}

} // namespace

caf::actor spawn_currency_watch(caf::actor_system& system, api_reader ask,
                                std::function<std::variant<std::vector<exchange_currency>, io_failure>()> read) {
  return system.spawn<caf::detached>([ask = std::move(ask), read = std::move(read)](caf::event_based_actor* self) -> caf::behavior {
    self->set_error_handler([](caf::scheduled_actor* a, caf::error& e) {
      log(log_level::warning, "currency_watch_error_message", {{"error", a->system().render(e)}});
    });
    self->delayed_send(self, first_look, look_atom::value);
    return {
        [=](look_atom) {
          look(ask, read);
          self->delayed_send(self, next_look, look_atom::value);
        },
    };
  });
}

} // namespace paygate
