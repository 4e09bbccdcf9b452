#include "daemon/health.hpp"

#include <caf/all.hpp>

#include "actors/runtime/node.hpp"
#include "actors/runtime/router.hpp"

namespace paygate {

namespace {
constexpr auto good_for = std::chrono::milliseconds(250);
constexpr auto patience = std::chrono::milliseconds(700);
} // namespace

health_probe::health_probe(caf::actor_system& system, reader_actor reader, caf::actor node, caf::actor bootstrap,
                           caf::actor router)
    : system_(system), reader_(std::move(reader)), node_(std::move(node)), bootstrap_(std::move(bootstrap)), router_(std::move(router)) {}

health_report health_probe::look() {
  const std::lock_guard guard(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (now - asked_at_ > good_for) {
    last_ = ask_all();
    asked_at_ = std::chrono::steady_clock::now();
  }
  return last_;
}

health_report health_probe::ask_all() {
  caf::scoped_actor self{system_};
  bool database = false, shards = false, entities = false, links = false;
  self->request(reader_, patience, query_atom::value, std::string("tail"), std::string(R"({"limit":1})"))
    .receive([&](const std::string& answer) { database = answer.find("\"error\"") != 1; }, [](caf::error&) {});
  self->request(node_, patience, ready_atom::value).receive([&](bool yes) { shards = yes; }, [](caf::error&) {});
  self->request(bootstrap_, patience, ready_atom::value).receive([&](bool yes) { entities = yes; }, [](caf::error&) {});
  self->request(router_, patience, peers_atom::value)
    .receive([&](const std::string& peers) { links = peers.find("\"linked\":false") == peers.npos; }, [](caf::error&) {});
  health_report report;
  report.components = {{"database", database ? "healthy" : "unhealthy"},
                       {"shards", shards ? "healthy" : "unhealthy"},
                       {"links", links ? "healthy" : "degraded"},
                       {"wallet_and_poller", entities ? "healthy" : "starting"}};
  report.healthy = database && shards;
  report.ready = database && shards && entities;
  return report;
}

} // namespace paygate
