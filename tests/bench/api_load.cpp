// Sends HTTP requests by the clock: the n-th is due at n/rate, whether the ones before it were answered or not, and its latency counts from
// then. So a server that stalls is seen by everybody who would have come meanwhile. One thread, epoll, connections that are kept.
//   api_load PORT FILE --rate PER_SECOND --seconds S [--connections N]      rate 0: as fast as N connections go
// FILE holds requests, sent in turn: "CLASS STATUS BYTES\n", then the request itself. Prints a line for each class, and one for all.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

using steady = std::chrono::steady_clock;

struct request {
  std::string group, text;
  int status = 200;
};

struct connection {
  int socket = -1;
  const request* now = nullptr; ///< What it waits for the answer of.
  steady::time_point due;
  std::string got;
};

struct group_figures {
  std::vector<std::uint32_t> latency_us;
  std::int64_t wrong = 0;
};

[[noreturn]] void give_up(const std::string& words) {
  std::fprintf(stderr, "api_load: %s\n", words.c_str());
  std::exit(1);
}

std::vector<request> read_requests(const char* file) {
  std::ifstream in(file, std::ios::binary);
  std::vector<request> all;
  request one;
  std::size_t size = 0;
  while (in >> one.group >> one.status >> size) {
    in.ignore(1);
    one.text.resize(size);
    if (!in.read(one.text.data(), static_cast<std::streamsize>(size))) give_up("the file of requests is cut short");
    all.push_back(one);
  }
  if (all.empty()) give_up("no requests");
  return all;
}

/// The status of an answer that is there in full, 0 while it is not, -1 when it is none. `closes`: the server ends the connection.
int whole_answer(const std::string& got, bool& closes) {
  const auto end = got.find("\r\n\r\n");
  if (end == got.npos) return 0;
  if (got.compare(0, 9, "HTTP/1.1 ") != 0) return -1;
  const int status = std::atoi(got.c_str() + 9);
  const auto head = std::string_view(got).substr(0, end + 2);
  closes = head.find("\r\nConnection: close\r\n") != head.npos;
  std::size_t length = 0;
  const std::string_view name = "\r\nContent-Length: ";
  if (const auto at = head.find(name); at != head.npos) std::from_chars(head.data() + at + name.size(), head.data() + head.size(), length);
  return got.size() >= end + 4 + length ? status : 0;
}

class load {
public:
  load(int port, std::vector<request> requests, double rate, int connections)
      : port_(port), requests_(std::move(requests)), rate_(rate), poll_(epoll_create1(0)),
        connections_(static_cast<std::size_t>(connections)) {
    for (auto& c : connections_) {
      open(c);
      idle_.push_back(&c);
    }
  }

  void run(double seconds) {
    start_ = steady::now();
    const auto end = start_ + std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(seconds));
    const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    epoll_event watch{};
    watch.events = EPOLLIN;
    epoll_ctl(poll_, EPOLL_CTL_ADD, timer, &watch); // data.ptr null: the timer.
    std::int64_t due_count = 0;
    // What was due is answered before the end is the end.
    for (auto now = steady::now(); now < end || busy() > 0; now = steady::now()) {
      if (now >= end + std::chrono::seconds(30)) give_up("no answers for 30 s");
      for (; rate_ > 0 && now < end && due_at(due_count) <= now; ++due_count) waiting_.push_back(due_at(due_count));
      while (!idle_.empty() && (rate_ > 0 ? !waiting_.empty() : now < end)) {
        send(*take_idle(), rate_ > 0 ? take_waiting() : steady::now());
        if (rate_ == 0) now = steady::now();
      }
      arm(timer, rate_ > 0 && now < end ? due_at(due_count) : now + std::chrono::milliseconds(100));
      epoll_event events[64];
      const int count = epoll_wait(poll_, events, 64, 200);
      for (int i = 0; i < count; ++i)
        if (auto* c = static_cast<connection*>(events[i].data.ptr)) receive(*c);
    }
    took_ = std::chrono::duration<double>(steady::now() - start_).count();
    ::close(timer);
  }

  void print() {
    group_figures all;
    for (auto& [name, figures] : groups_) {
      all.latency_us.insert(all.latency_us.end(), figures.latency_us.begin(), figures.latency_us.end());
      all.wrong += figures.wrong;
    }
    for (auto& [name, figures] : groups_) print(name, figures);
    print("all", all);
  }

private:
  std::size_t busy() const { return connections_.size() - idle_.size() + waiting_.size(); }
  steady::time_point due_at(std::int64_t n) const {
    return start_ + std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(static_cast<double>(n) / rate_));
  }
  connection* take_idle() {
    auto* c = idle_.front();
    idle_.pop_front();
    return c;
  }
  steady::time_point take_waiting() {
    const auto due = waiting_.front();
    waiting_.pop_front();
    return due;
  }

  static void arm(int timer, steady::time_point at) {
    const auto ns = std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::nanoseconds>(at - steady::now()).count());
    itimerspec spec{};
    spec.it_value.tv_sec = ns / 1'000'000'000;
    spec.it_value.tv_nsec = ns % 1'000'000'000;
    timerfd_settime(timer, 0, &spec, nullptr);
  }

  void open(connection& c) {
    if (c.socket >= 0) ::close(c.socket);
    c.socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port_));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(c.socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
      give_up(std::string("connect: ") + std::strerror(errno));
    const int on = 1;
    setsockopt(c.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event watch{};
    watch.events = EPOLLIN;
    watch.data.ptr = &c;
    epoll_ctl(poll_, EPOLL_CTL_ADD, c.socket, &watch);
    c.got.clear();
  }

  void send(connection& c, steady::time_point due) {
    c.now = &requests_[sent_++ % requests_.size()];
    c.due = due;
    const auto& text = c.now->text;
    if (::send(c.socket, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size())) return;
    open(c); // Kept for too long: the server has hung up.
    if (::send(c.socket, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) give_up("cannot send");
  }

  void receive(connection& c) {
    char bytes[16 * 1024];
    const auto came = ::recv(c.socket, bytes, sizeof bytes, 0);
    if (came <= 0) {
      // While it waited for nothing that is no loss; else the answer is.
      if (c.now) finish(c, -1);
      return open(c);
    }
    c.got.append(bytes, static_cast<std::size_t>(came));
    bool closes = false;
    const int status = c.now ? whole_answer(c.got, closes) : -1;
    if (status == 0) return;
    if (c.now) finish(c, status);
    if (closes || status < 0) open(c);
  }

  void finish(connection& c, int status) {
    auto& figures = groups_[c.now->group];
    figures.latency_us.push_back(
        static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(steady::now() - c.due).count()));
    if (status != c.now->status && ++figures.wrong <= 3)
      std::fprintf(stderr, "api_load: %d instead of %d: %.80s ... %.300s\n", status, c.now->status, c.now->text.c_str(), c.got.c_str());
    c.now = nullptr;
    c.got.clear();
    idle_.push_back(&c);
  }

  void print(const std::string& name, group_figures& figures) const {
    auto& all = figures.latency_us;
    if (all.empty()) return;
    std::sort(all.begin(), all.end());
    const auto at = [&](double share) {
      return all[std::min(all.size() - 1, static_cast<std::size_t>(share * static_cast<double>(all.size())))] / 1e3;
    };
    std::printf("RESULT class %s requests %zu seconds %.3f rate %.1f p50_ms %.3f p99_ms %.3f p999_ms %.3f max_ms %.3f wrong %lld\n",
                name.c_str(), all.size(), took_, static_cast<double>(all.size()) / took_, at(0.5), at(0.99), at(0.999), all.back() / 1e3,
                static_cast<long long>(figures.wrong));
  }

  const int port_;
  const std::vector<request> requests_;
  const double rate_;
  const int poll_;
  std::vector<connection> connections_;
  std::deque<connection*> idle_; ///< The one that rested longest first, so that none is kept idle until the server hangs up.
  std::deque<steady::time_point> waiting_;
  std::size_t sent_ = 0;
  std::map<std::string, group_figures> groups_;
  steady::time_point start_;
  double took_ = 0;
};

} // namespace

int main(int argc, char** argv) {
  double rate = 1'000, seconds = 10;
  int connections = 48;
  for (int i = 3; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--rate")
      rate = std::atof(argv[i + 1]);
    else if (name == "--seconds")
      seconds = std::atof(argv[i + 1]);
    else if (name == "--connections")
      connections = std::atoi(argv[i + 1]);
    else
      give_up("what is " + std::string(name) + "?");
  }
  if (argc < 3 || argc % 2 == 0) give_up("usage: api_load PORT FILE [--rate N] [--seconds S] [--connections N]");
  load all(std::atoi(argv[1]), read_requests(argv[2]), rate, connections);
  all.run(seconds);
  all.print();
}
