#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/io/network/default_multiplexer.hpp>

// Two actor systems of one process, joined by CAF's own network layer as the cluster link joins nodes: a descriptor handed to each broker.
namespace paygate::test {

/// A system that can be joined, with the daemon's scheduling.
struct basp_config : caf::actor_system_config {
  basp_config() {
    load<caf::io::middleman>();
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-throughput", std::size_t{100});
    set("scheduler.max-threads", std::size_t{2});
    config_file_path = "";
  }
};

/// Waits until it is true, at most a minute; tells whether it became so.
template <class F>
bool eventually(F&& done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

/// The cable between two descriptors: a thread that carries bytes both ways, and can be stopped or cut by the test.
class basp_wire {
public:
  basp_wire() {
    std::array<int, 2> left{}, right{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, left.data()) != 0
        || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, right.data()) != 0)
      throw std::runtime_error("no socket pair");
    ends_ = {left[0], right[0]};
    inner_ = {left[1], right[1]};
    thread_ = std::thread([this] { carry(); });
  }
  ~basp_wire() {
    cut();
    for (int end : ends_)
      if (end >= 0) close(end);
  }
  basp_wire(const basp_wire&) = delete;
  basp_wire& operator=(const basp_wire&) = delete;

  /// A descriptor for a broker, which owns it from then on.
  int take_end(std::size_t side) { return std::exchange(ends_[side], -1); }

  std::atomic<bool> frozen{false};           ///< Bytes stay where they are.
  std::atomic<std::int64_t> carried[2] = {}; ///< Bytes from the first end, from the second.

  void cut() {
    if (stop_.exchange(true)) return;
    thread_.join();
    for (int end : inner_) close(end);
  }

private:
  void carry() {
    std::array<char, 65536> buffer;
    while (!stop_) {
      if (frozen) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        continue;
      }
      std::array<pollfd, 2> ready{{{inner_[0], POLLIN, 0}, {inner_[1], POLLIN, 0}}};
      if (poll(ready.data(), ready.size(), 20) <= 0) continue;
      for (std::size_t side = 0; side < 2; ++side) {
        if (!(ready[side].revents & (POLLIN | POLLHUP))) continue;
        const auto got = read(inner_[side], buffer.data(), buffer.size());
        if (got <= 0) return;
        carried[side] += got;
        for (ssize_t sent = 0; sent < got && !stop_;) {
          const auto n = send(inner_[1 - side], buffer.data() + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
          if (n <= 0) return;
          sent += n;
        }
      }
    }
  }

  std::array<int, 2> ends_{-1, -1}, inner_{-1, -1};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

/// Joins two systems over the descriptors; answers the handle by which `dialer` reaches the actor that `host` offers.
inline caf::actor join(caf::actor_system& dialer, int dialer_end, caf::actor_system& host, int host_end, const caf::actor& offered) {
  constexpr std::uint16_t port = 1; // A name within the broker; nobody listens.
  auto hosts = host.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"));
  caf::anon_send(hosts, caf::publish_atom::value, host.middleman().backend().new_scribe(host_end), port,
                 caf::actor_cast<caf::strong_actor_ptr>(offered), std::set<std::string>{});
  auto dialers = dialer.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"));
  caf::scoped_actor self{dialer};
  caf::actor reached;
  self->request(dialers, std::chrono::seconds(60), caf::connect_atom::value, dialer.middleman().backend().new_scribe(dialer_end), port)
      .receive([&](caf::node_id&, caf::strong_actor_ptr& there, std::set<std::string>&) { reached = caf::actor_cast<caf::actor>(there); },
               [&](caf::error& e) { throw std::runtime_error("not joined: " + dialer.render(e)); });
  return reached;
}

} // namespace paygate::test
