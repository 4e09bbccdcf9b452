#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <httplib.h>

#include "io/codec/json.hpp"
#include "messages/io.hpp"

// Providers made for the tests: an HTTP server on a free loopback port with scripted answers, and one that misbehaves below HTTP.
namespace fake {

using namespace paygate;

/// Short, so that a test of a time-out takes no longer.
inline constexpr milliseconds time_out{200};

struct answer {
  int status = 200;
  std::string body;
  std::string type = "application/json";
  httplib::Headers headers;
};

struct seen {
  std::string method, path, body;
  httplib::Params query;
  httplib::Headers headers;
  std::string header(const std::string& name) const;
  std::string parameter(const std::string& name) const;
  json_document json() const; ///< Of the body; a null value when it is none.
};

/// Must outlive the clients that keep connections to it. Without a scripted answer it answers 500.
class provider {
public:
  provider();
  ~provider();

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }
  void script(answer next);
  void handle(std::function<answer(const seen&)> handler); ///< For whatever is not scripted.
  std::vector<seen> requests();
  seen last() { return requests().back(); }

private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  std::mutex mutex_;
  std::deque<answer> scripted_;
  std::function<answer(const seen&)> handler_;
  std::vector<seen> requests_;
};

/// Accepts, reads one whole request per connection, then does one of these; answer_once answers that one and drops the next.
enum class misbehaviour { close, hold, half_an_answer, answer_once };
class rude_server {
public:
  explicit rude_server(misbehaviour what);
  ~rude_server();
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int requests();

private:
  void serve();
  void serve_one(int socket);
  void read_request(int socket);

  misbehaviour what_;
  int listener_ = -1, port_ = 0, requests_ = 0;
  std::mutex mutex_;
  std::vector<int> held_;
  std::thread thread_;
};

/// The URL of a port that nobody listens on.
std::string dead_url();

/// The failure in an outcome; a failure with the code "none" when there is none.
io_failure failure(const io_outcome& outcome);
/// "transient timeout": what most tests ask.
std::string fault_of(const io_outcome& outcome);

} // namespace fake
