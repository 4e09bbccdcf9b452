#include "daemon/cluster.hpp"

#include <caf/all.hpp>

#include "messages/log.hpp"

namespace paygate {

namespace {

bool is_any_address(const std::string& bind) { return bind == "0.0.0.0" || bind == "::" || bind == "*"; }

} // namespace

std::variant<std::unique_ptr<cluster_part>, std::string> cluster_part::prepare(const settings& s, std::shared_ptr<metrics_sink> metrics) {
  std::unique_ptr<cluster_part> part(new cluster_part);
  part->metrics_ = std::move(metrics);
  if (s.cluster.tls_dir.empty()) {
    log(log_level::warning, "no_cluster_door", {{"text", "cluster.tls_dir is empty: neither paygatectl nor other nodes can come in"}});
    return part;
  }
  auto own = credential_store::open(s.cluster.tls_dir, {peer_role::node, node_name(s)});
  if (auto* wrong = std::get_if<std::string>(&own)) return "cluster.tls_dir: " + *wrong;
  part->own_ = std::move(std::get<0>(own));
  auto listening = listen_at(s.cluster.bind, static_cast<std::uint16_t>(s.cluster.port));
  if (auto* wrong = std::get_if<std::string>(&listening)) return "cluster.port: " + *wrong;
  part->socket_ = std::move(std::get<0>(listening).first);
  part->port_ = std::get<0>(listening).second;
  part->address_ = s.cluster.advertise;
  const bool v6 = s.cluster.bind.find(':') != std::string::npos;
  if (part->address_.empty() && !is_any_address(s.cluster.bind))
    part->address_ = (v6 ? "[" + s.cluster.bind + "]" : s.cluster.bind) + ":" + std::to_string(part->port_);
  if (part->address_.empty())
    log(log_level::warning, "not_advertised",
        {{"text", "cluster.bind is every address and cluster.advertise is empty: other nodes cannot dial this one"}});
  part->look();
  return part;
}

void cluster_part::open(caf::actor_system& system, cluster_door_setup setup) {
  if (!own_) return;
  setup.own = own_;
  setup.metrics = metrics_;
  links_ = open_cluster_door(system, std::move(socket_), std::move(setup));
}

void cluster_part::look() {
  if (!own_) return;
  const auto report = own_->reload();
  if (report.changed) log(log_level::info, "certificate_changed", {{"name", to_text(own_->current()->self())}});
  if (!report.fault.empty()) {
    metrics_->count("certificate_faults_total", "");
    log(log_level::error, "certificate_not_reloaded", {{"fault", report.fault}});
  }
  metrics_->gauge("certificate_good_until_seconds", "", own_->current()->good_until());
}

void cluster_part::close() {
  if (auto links = std::exchange(links_, nullptr)) caf::anon_send_exit(links, caf::exit_reason::user_shutdown);
}

} // namespace paygate
