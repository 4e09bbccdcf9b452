#include "ctl/link.hpp"

#include <charconv>

#include <caf/all.hpp>
#include <caf/io/all.hpp>

namespace paygate::ctl {

namespace {

// As in the daemon's interfaces.hpp; the tool needs nothing else of it.
using ctl_atom = caf::atom_constant<caf::atom("ctl")>;

constexpr auto connect_patience = std::chrono::seconds(5);
constexpr auto answer_patience = std::chrono::seconds(30);

struct tool_config : caf::actor_system_config {
  tool_config() {
    config_file_path = "";
    load<caf::io::middleman>();
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{1});
    set("middleman.heartbeat-interval", caf::timespan(std::chrono::seconds(1)));
    set("middleman.connection-timeout", caf::timespan(std::chrono::seconds(5)));
  }
};

} // namespace

struct daemon_link::connection {
  tool_config config;
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  caf::actor inspector;
  std::string failure;

  explicit connection(const std::string& address) {
    const auto colon = address.rfind(':');
    std::uint16_t port = 0;
    if (colon == address.npos
        || std::from_chars(address.data() + colon + 1, address.data() + address.size(), port).ptr != address.data() + address.size()) {
      failure = "\"" + address + "\" is no address: expected HOST:PORT";
      return;
    }
    self->request(system.middleman().actor_handle(), connect_patience, caf::connect_atom_v, address.substr(0, colon), port)
        .receive(
            [&](caf::node_id&, caf::strong_actor_ptr& found, std::set<std::string>&) {
              if (found)
                inspector = caf::actor_cast<caf::actor>(found);
              else
                failure = "nothing is published at " + address;
            },
            [&](caf::error& e) { failure = "no daemon answers at " + address + ": " + system.render(e); });
  }
};

daemon_link::daemon_link(const std::string& address) : connection_(std::make_unique<connection>(address)) {}
daemon_link::~daemon_link() = default;

std::variant<std::string, link_failure> daemon_link::ask(const std::string& command) {
  auto& c = *connection_;
  if (!c.inspector) return link_failure{c.failure};
  std::variant<std::string, link_failure> result = link_failure{"no answer"};
  c.self->request(c.inspector, answer_patience, ctl_atom::value, command)
      .receive([&](std::string& answer) { result = std::move(answer); },
               [&](caf::error& e) { result = link_failure{"the daemon did not answer: " + c.system.render(e)}; });
  return result;
}

} // namespace paygate::ctl
