#include "ctl/link.hpp"

#include <future>

#include <caf/all.hpp>
#include <caf/io/all.hpp>

#include "io/link/hand_over.hpp"
#include "io/link/pump.hpp"

namespace paygate::ctl {

namespace {

// As in the daemon's interfaces.hpp; the tool needs nothing else of it.
using ctl_atom = caf::atom_constant<caf::atom("ctl")>;

constexpr auto connect_patience = std::chrono::seconds(5);
constexpr auto answer_patience = std::chrono::seconds(30);
constexpr auto silence_max = std::chrono::seconds(20);
constexpr std::size_t answer_max = 256u << 20; // A daemon is trusted more than an operator.

struct tool_config : caf::actor_system_config {
  tool_config() {
    config_file_path = "";
    load<caf::io::middleman>();
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{1});
    set("middleman.heartbeat-interval", caf::timespan(std::chrono::seconds(1)));
  }
};

} // namespace

struct daemon_link::connection {
  tool_config config;
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  std::unique_ptr<link_pump> pump;
  caf::actor door;
  std::string failure;

  connection(const std::string& address, const std::string& tls_dir) {
    auto opened = dial(address, tls_dir);
    if (auto* wrong = std::get_if<std::string>(&opened)) {
      failure = *wrong;
      return;
    }
    auto& link = *std::get<link_opened_ptr>(opened);
    guard_rules rules;
    rules.frame_max = answer_max;
    pump->start(link.id, std::move(rules));
    self->request(basp_of(system), connect_patience, caf::connect_atom_v, scribe_of(system, std::move(link.plain)), no_port)
        .receive(
            [&](caf::node_id&, caf::strong_actor_ptr& found, std::set<std::string>&) {
              if (found)
                door = caf::actor_cast<caf::actor>(found);
              else
                failure = to_text(link.peer) + " at " + address + " takes this process for itself: both have the same CAF node id";
            },
            [&](caf::error& e) { failure = to_text(link.peer) + " at " + address + " does not answer: " + system.render(e); });
  }

  std::variant<link_opened_ptr, std::string> dial(const std::string& address, const std::string& tls_dir) {
    if (tls_dir.empty()) return "no certificate: --tls-dir DIR or PAYGATE_CTL_TLS_DIR names the folder with ca.pem, cert.pem and key.pem";
    auto own = credential_store::open(tls_dir, {});
    if (auto* wrong = std::get_if<std::string>(&own)) return *wrong;
    link_limits limits;
    limits.idle = silence_max;
    pump = std::make_unique<link_pump>(std::move(std::get<0>(own)), limits, nullptr);
    auto promise = std::make_shared<std::promise<std::variant<link_opened_ptr, std::string>>>();
    auto answer = promise->get_future();
    pump->dial({address, {}, connect_patience},
               [promise](std::variant<link_opened_ptr, std::string> outcome) { promise->set_value(std::move(outcome)); });
    if (answer.wait_for(2 * connect_patience) != std::future_status::ready) return "no daemon answers at " + address;
    auto outcome = answer.get();
    if (auto* wrong = std::get_if<std::string>(&outcome)) return "no daemon answers at " + address + ": " + *wrong;
    return outcome;
  }
};

daemon_link::daemon_link(const std::string& address, const std::string& tls_dir)
    : connection_(std::make_unique<connection>(address, tls_dir)) {}
daemon_link::~daemon_link() = default;

std::variant<std::string, link_failure> daemon_link::ask(const std::string& command) {
  auto& c = *connection_;
  if (!c.door) return link_failure{c.failure};
  std::variant<std::string, link_failure> result = link_failure{"no answer"};
  c.self->request(c.door, answer_patience, ctl_atom::value, command)
      .receive([&](std::string& answer) { result = std::move(answer); },
               [&](caf::error& e) { result = link_failure{"the daemon did not answer: " + c.system.render(e)}; });
  return result;
}

} // namespace paygate::ctl
