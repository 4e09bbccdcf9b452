#include "io/link/pump.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "io/link/refusal_log.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

constexpr std::uint64_t listener_key = 0, command_key = 1, first_id = 1;
constexpr int accepts_max = 64;
constexpr unsigned lookups_max = 16;
constexpr auto breather = std::chrono::milliseconds(200);

std::optional<std::string> expect_node(const std::optional<std::string>& name, const peer_name& peer) {
  if (peer.role == peer_role::node && (!name || *name == peer.name)) return std::nullopt;
  return "there is " + to_text(peer) + ", not " + (name ? "node/" + *name : std::string("a node"));
}

} // namespace

struct link_pump::impl : std::enable_shared_from_this<link_pump::impl> {
  struct interest {
    int fd = -1;
    std::uint32_t events = 0;
  };
  struct slot {
    std::unique_ptr<link_connection> connection;
    interest socket, plain;
    dialed_fn dialed;
  };

  std::shared_ptr<credential_store> own;
  link_limits limits;
  std::shared_ptr<metrics_sink> metrics;
  std::function<bool()> busy;
  unique_fd poll{epoll_create1(EPOLL_CLOEXEC)}, bell{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)}, listener;
  link_hooks hooks;
  std::mutex mutex; ///< Of what follows: other threads' wishes.
  std::vector<std::function<void()>> commands;
  bool stopping = false;
  std::condition_variable stopped;
  std::atomic<unsigned> lookups{0};
  std::atomic<std::uint64_t> rounds{0};
  // The pump's thread alone.
  std::unordered_map<std::uint64_t, slot> slots;
  std::uint64_t next_id = first_id;
  std::vector<std::uint64_t> hot;
  bool listening = false;
  link_time listen_again{};
  refusal_log refusals;
  credentials_ptr checked; ///< Those by which the connections that stand were judged.
  std::thread thread;

  void post(std::function<void()> command) {
    {
      const std::lock_guard lock(mutex);
      if (stopping) return;
      commands.push_back(std::move(command));
    }
    ring();
  }

  void ring() {
    const std::uint64_t one = 1;
    if (write(bell.get(), &one, sizeof one) < 0) return; // Full: it rings already.
  }

  void watch(int fd, std::uint64_t key, std::uint32_t events, int operation) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = key;
    epoll_ctl(poll.get(), operation, fd, &event);
  }

  // --- the loop ---

  void run() {
    watch(bell.get(), command_key, EPOLLIN, EPOLL_CTL_ADD);
    std::array<epoll_event, 64> events;
    for (;;) {
      const int n = epoll_wait(poll.get(), events.data(), static_cast<int>(events.size()), pause_ms());
      const auto now = link_clock::now();
      ++rounds;
      bool called = false;
      for (const auto id : std::exchange(hot, {})) drive(id, now);
      for (int i = 0; i < n; ++i) {
        const auto key = events[static_cast<std::size_t>(i)].data.u64;
        if (key == listener_key)
          accept_some(now);
        else if (key == command_key)
          called = true;
        else
          drive(key >> 1, now);
      }
      if (called && !obey()) return;
      tend(now);
      // Each thread that is woken costs more than the bytes that it is woken for; whoever waits for a busy machine waits anyway.
      if (hot.empty() && busy && busy()) take_rest();
    }
  }

  void take_rest() {
    std::unique_lock lock(mutex);
    stopped.wait_for(lock, limits.rest, [this] { return stopping; });
  }

  int pause_ms() const {
    if (!hot.empty()) return 0;
    auto next = link_time::max();
    for (const auto& [id, s] : slots) next = std::min(next, s.connection->deadline());
    if (!listening && listener) next = std::min(next, listen_again);
    if (next == link_time::max()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - link_clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 1, 60'000));
  }

  /// Runs what other threads wish; false when the pump shall end.
  bool obey() {
    std::uint64_t rung = 0;
    if (read(bell.get(), &rung, sizeof rung) < 0) rung = 0;
    std::vector<std::function<void()>> mine;
    bool stop = false;
    {
      const std::lock_guard lock(mutex);
      mine.swap(commands);
      stop = stopping;
    }
    if (stop) return false;
    for (auto& command : mine) command();
    return true;
  }

  void tend(link_time now) {
    if (auto current = own->current(); current != checked) check_peers(std::move(current));
    std::vector<std::uint64_t> due;
    for (const auto& [id, s] : slots)
      if (s.connection->deadline() <= now) due.push_back(id);
    for (const auto id : due) {
      slots.at(id).connection->on_deadline(now);
      settle(id);
    }
    if (!listening && listener && now >= listen_again) listen_on(true);
  }

  /// A certificate that is refused from now on ends what stands, too.
  void check_peers(credentials_ptr current) {
    checked = std::move(current);
    std::vector<std::uint64_t> all;
    for (const auto& [id, s] : slots) all.push_back(id);
    for (const auto id : all) {
      slots.at(id).connection->check_peer(checked);
      settle(id);
    }
  }

  void drive(std::uint64_t id, link_time now) {
    const auto found = slots.find(id);
    if (found == slots.end()) return;
    found->second.connection->run(now);
    settle(id);
  }

  /// After anything happened to a connection: tells who must know, and waits for the right things.
  void settle(std::uint64_t id) {
    auto& s = slots.at(id);
    auto& c = *s.connection;
    if (c.at() == link_connection::phase::held && !c.announced) announce(s);
    if (c.at() == link_connection::phase::ended) return bury(id);
    want(s.socket, c.socket(), c.socket_events(), id << 1);
    want(s.plain, c.plain(), c.plain_events(), id << 1 | 1);
    if (c.hot()) hot.push_back(id);
  }

  /// A descriptor that nothing is wanted of is not watched at all: its hang-up would be told again and again.
  void want(interest& now, int fd, std::uint32_t events, std::uint64_t key) {
    if (now.fd != fd) now = {fd, 0};
    if (now.events == events || fd < 0) return;
    watch(fd, key, events, events == 0 ? EPOLL_CTL_DEL : now.events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD);
    now.events = events;
  }

  void announce(slot& s) {
    auto& c = *s.connection;
    c.announced = true;
    auto opened = std::make_shared<link_opened>();
    opened->id = c.id();
    opened->peer = c.peer();
    opened->address = c.source();
    opened->plain = c.take_plain();
    count("link_opened_total", c.peer().role == peer_role::node ? "node" : "operator");
    if (s.dialed)
      std::exchange(s.dialed, nullptr)(std::move(opened));
    else if (hooks.opened)
      hooks.opened(std::move(opened));
  }

  void bury(std::uint64_t id) {
    auto node = slots.extract(id);
    auto& s = node.mapped();
    const auto& c = *s.connection;
    if (c.announced) {
      if (hooks.closed) hooks.closed(id, c.why());
    } else if (s.dialed) {
      s.dialed(c.why());
    } else {
      count("link_refused_total", c.peer().name.empty() ? "none" : "good");
      refusals.note(c.source(), c.peer().name.empty() ? std::string() : to_text(c.peer()), c.why());
    }
    gauge_open();
  }

  void count(std::string_view name, std::string_view label) {
    if (metrics) metrics->count(name, label);
  }

  void gauge_open() {
    if (metrics) metrics->gauge("link_connections", "", static_cast<std::int64_t>(slots.size()));
  }

  // --- coming in ---

  void listen_on(bool on) {
    listening = on;
    watch(listener.get(), listener_key, EPOLLIN, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL);
  }

  void accept_some(link_time now) {
    for (int i = 0; i < accepts_max; ++i) {
      socket_address from;
      from.size = sizeof from.storage;
      unique_fd fd(accept4(listener.get(), reinterpret_cast<sockaddr*>(&from.storage), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
          // The one who waits stays in the listener's queue, and would wake us for nothing.
          listen_on(false);
          listen_again = now + breather;
          refusals.note({}, {}, "no more descriptors");
        }
        return;
      }
      make_room();
      const auto id = ++next_id;
      auto admit = [this](const peer_name& peer) -> std::optional<std::string> {
        if (count_let_in([&](const peer_name& p) { return p.role == peer.role; }) >= limits.open_max)
          return "there are too many connections";
        if (peer.role == peer_role::person && count_let_in([&](const peer_name& p) { return p == peer; }) >= limits.person_max)
          return "there are too many connections of " + to_text(peer);
        return hooks.admit ? hooks.admit(peer) : std::nullopt;
      };
      slots[id].connection = std::make_unique<link_connection>(id, link_connection::accepted{std::move(fd), host_of(from)}, own->current(),
                                                               limits, admit, now);
      gauge_open();
      settle(id);
    }
  }

  static bool half_open(const link_connection& c) { return !c.dials() && !c.announced; }

  /// Connections that were accepted, whose peer is known and admitted.
  template <class F>
  std::size_t count_let_in(F&& is_one) const {
    using enum link_connection::phase;
    return static_cast<std::size_t>(std::count_if(slots.begin(), slots.end(), [&](const auto& entry) {
      const auto& c = *entry.second.connection;
      return !c.dials() && (c.at() == greeting || c.at() == held || c.at() == streaming) && is_one(c.peer());
    }));
  }

  /// At the cap, the oldest of the source that has the most makes room: who floods pushes out its own. Of several such, the oldest of all.
  void make_room() {
    const auto open = std::count_if(slots.begin(), slots.end(), [](const auto& entry) { return half_open(*entry.second.connection); });
    if (static_cast<std::size_t>(open) < limits.half_open_max) return;
    std::map<std::string, std::size_t> by_source;
    for (const auto& [id, s] : slots)
      if (half_open(*s.connection)) ++by_source[network_of(s.connection->source())];
    const auto busiest =
        std::max_element(by_source.begin(), by_source.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    link_connection* oldest = nullptr;
    for (auto& [id, s] : slots)
      if (auto& c = *s.connection;
          half_open(c) && by_source[network_of(c.source())] == busiest->second && (!oldest || c.id() < oldest->id()))
        oldest = &c;
    oldest->end("made room: too many are half open");
    bury(oldest->id());
  }

  // --- going out ---

  void dial(dial_request request, dialed_fn done) {
    const auto until = link_clock::now() + request.patience;
    auto at = parse_host_port(request.address);
    if (auto* wrong = std::get_if<std::string>(&at)) return done(*wrong);
    auto numeric = resolve(std::get<host_port>(at), true);
    if (auto* found = std::get_if<std::vector<socket_address>>(&numeric))
      return connect(std::move(*found), request, until, std::move(done));
    look_up(std::get<host_port>(at), std::move(request), until, std::move(done));
  }

  /// Names are looked up beside the pump: a name server takes its time.
  void look_up(const host_port& at, dial_request request, link_time until, dialed_fn done) {
    if (lookups >= lookups_max) return done("too many names are being looked up");
    ++lookups;
    std::thread([self = shared_from_this(), at, request = std::move(request), until, done = std::move(done)]() mutable {
      auto found = resolve(at, false);
      --self->lookups;
      self->post([self = self.get(), found = std::move(found), request = std::move(request), until, done = std::move(done)]() mutable {
        if (auto* wrong = std::get_if<std::string>(&found)) return done(*wrong);
        if (link_clock::now() >= until) return done("the name was not found in time");
        self->connect(std::get<std::vector<socket_address>>(std::move(found)), request, until, std::move(done));
      });
    }).detach();
  }

  void connect(std::vector<socket_address> to, const dial_request& request, link_time until, dialed_fn done) {
    const auto id = ++next_id;
    auto& s = slots[id];
    s.dialed = std::move(done);
    auto expect = [node = request.node](const peer_name& peer) { return expect_node(node, peer); };
    const auto now = link_clock::now();
    s.connection = std::make_unique<link_connection>(id, link_connection::dialed{std::move(to), request.address, expect, until},
                                                     own->current(), limits, now);
    gauge_open();
    settle(id);
  }
};

link_pump::link_pump(std::shared_ptr<credential_store> own, link_limits limits, std::shared_ptr<metrics_sink> metrics, std::function<bool()> busy)
    : impl_(std::make_shared<impl>()) {
  impl_->own = std::move(own);
  impl_->limits = limits;
  impl_->metrics = std::move(metrics);
  impl_->busy = std::move(busy);
  impl_->thread = std::thread([i = impl_.get()] {
    // OpenSSL writes with write(2).
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    pthread_setname_np(pthread_self(), "link");
    i->run();
  });
}

link_pump::~link_pump() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->stopped.notify_one();
  impl_->ring();
  impl_->thread.join();
  // Hooks may hold what holds us.
  impl_->slots.clear();
  impl_->hooks = {};
  impl_->commands.clear();
}

std::variant<std::uint16_t, std::string> link_pump::listen(const std::string& bind, std::uint16_t port, link_hooks hooks) {
  auto made = listen_at(bind, port);
  if (auto* wrong = std::get_if<std::string>(&made)) return *wrong;
  auto& [socket, taken] = std::get<0>(made);
  listen(std::move(socket), std::move(hooks));
  return taken;
}

void link_pump::listen(unique_fd socket, link_hooks hooks) {
  impl_->post([i = impl_.get(), shared = std::make_shared<unique_fd>(std::move(socket)), hooks = std::move(hooks)]() mutable {
    i->hooks = std::move(hooks);
    i->listener = std::move(*shared);
    i->listen_on(true);
  });
}

void link_pump::on_closed(std::function<void(std::uint64_t, std::string)> closed) {
  impl_->post([i = impl_.get(), closed = std::move(closed)]() mutable { i->hooks.closed = std::move(closed); });
}

void link_pump::dial(dial_request request, dialed_fn done) {
  impl_->post(
      [i = impl_.get(), request = std::move(request), done = std::move(done)]() mutable { i->dial(std::move(request), std::move(done)); });
}

void link_pump::start(std::uint64_t id, std::optional<guard_rules> rules) {
  impl_->post([i = impl_.get(), id, rules = std::move(rules)]() mutable {
    const auto found = i->slots.find(id);
    if (found == i->slots.end()) return;
    found->second.connection->start(std::move(rules), link_clock::now());
    i->settle(id);
  });
}

std::uint64_t link_pump::rounds() const { return impl_->rounds; }

void link_pump::close(std::uint64_t id, std::string why) {
  impl_->post([i = impl_.get(), id, why = std::move(why)]() mutable {
    const auto found = i->slots.find(id);
    if (found == i->slots.end()) return;
    found->second.connection->end(std::move(why));
    i->settle(id);
  });
}

} // namespace paygate
