#include "tests/io/provider_fake.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace fake {

std::string seen::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::string seen::parameter(const std::string& name) const {
  const auto found = query.find(name);
  return found == query.end() ? "" : found->second;
}

json_document seen::json() const {
  auto parsed = parse_json(body);
  return parsed ? std::move(*parsed) : json_document();
}

provider::provider() {
  const auto respond = [this](const httplib::Request& request, httplib::Response& response) {
    seen one{request.method, request.path, request.body, request.params, request.headers};
    answer next{500, "nothing scripted", "text/plain", {}};
    {
      std::lock_guard lock(mutex_);
      requests_.push_back(one);
      if (!scripted_.empty()) {
        next = std::move(scripted_.front());
        scripted_.pop_front();
      } else if (handler_) {
        next = handler_(one);
      }
    }
    response.status = next.status;
    response.headers = next.headers;
    response.set_content(next.body, next.type);
  };
  server_.Get(".*", respond);
  server_.Post(".*", respond);
  server_.set_keep_alive_timeout(1);
  server_.set_tcp_nodelay(true);
  port_ = server_.bind_to_any_port("127.0.0.1");
  thread_ = std::thread([this] { server_.listen_after_bind(); });
  while (!server_.is_running()) std::this_thread::yield();
}

provider::~provider() {
  server_.stop();
  thread_.join();
}

void provider::script(answer next) {
  std::lock_guard lock(mutex_);
  scripted_.push_back(std::move(next));
}

void provider::handle(std::function<answer(const seen&)> handler) {
  std::lock_guard lock(mutex_);
  handler_ = std::move(handler);
}

std::vector<seen> provider::requests() {
  std::lock_guard lock(mutex_);
  return requests_;
}

namespace {

std::pair<int, int> listen_on_loopback() {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::listen(listener, 16);
  socklen_t length = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  return {listener, ntohs(address.sin_port)};
}

} // namespace

rude_server::rude_server(misbehaviour what) : what_(what) {
  std::tie(listener_, port_) = listen_on_loopback();
  thread_ = std::thread([this] { serve(); });
}

rude_server::~rude_server() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
  for (const int socket : held_) ::close(socket);
}

int rude_server::requests() {
  std::lock_guard lock(mutex_);
  return requests_;
}

void rude_server::serve() {
  for (int socket; (socket = ::accept(listener_, nullptr, nullptr)) >= 0;) serve_one(socket);
}

void rude_server::read_request(int socket) {
  std::string text;
  std::size_t wanted = std::string::npos;
  char buffer[4096];
  while (text.size() < wanted) {
    const auto n = ::recv(socket, buffer, sizeof buffer, 0);
    if (n <= 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
    const auto end = text.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    const auto length = text.find("Content-Length: ");
    wanted = end + 4 + (length == std::string::npos ? 0 : std::stoul(text.substr(length + 16)));
  }
  std::lock_guard lock(mutex_);
  requests_ += !text.empty();
}

void rude_server::serve_one(int socket) {
  read_request(socket);
  if (what_ == misbehaviour::half_an_answer || what_ == misbehaviour::answer_once) {
    const std::string answer =
        std::string("HTTP/1.1 200 OK\r\nContent-Length: ") + (what_ == misbehaviour::answer_once ? "2" : "99") + "\r\n\r\n{}";
    ::send(socket, answer.data(), answer.size(), MSG_NOSIGNAL);
  }
  if (what_ == misbehaviour::answer_once) read_request(socket);
  if (what_ == misbehaviour::hold) {
    std::lock_guard lock(mutex_);
    held_.push_back(socket);
  } else {
    ::close(socket);
  }
}

std::string dead_url() {
  const auto [listener, port] = listen_on_loopback();
  ::close(listener);
  return "http://127.0.0.1:" + std::to_string(port);
}

io_failure failure(const io_outcome& outcome) {
  if (const auto* found = std::get_if<io_failure>(&outcome)) return *found;
  return {fault::permanent, "none", std::string(name_of(outcome)), {}};
}

std::string fault_of(const io_outcome& outcome) {
  const auto found = failure(outcome);
  return std::string(to_text(found.kind)) + " " + found.code;
}

} // namespace fake
