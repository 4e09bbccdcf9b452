#pragma once
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <httplib.h>

#include "sandbox/amounts.hpp"
#include "sandbox/json.hpp"
#include "sandbox/server.hpp"

/// The sandbox on a free port of loopback, and a client to talk to it.
struct sandbox_fixture {
  explicit sandbox_fixture(sandbox::settings set = standard()) : server(std::move(set)) {
    REQUIRE(server.start());
    client = std::make_unique<httplib::Client>("127.0.0.1", server.port());
    client->set_read_timeout(30);
    client->set_tcp_nodelay(true);
  }
  static sandbox::settings standard() {
    sandbox::settings set;
    set.ipn_secret = "ipn-secret-1";
    set.ipn_interval_ms = 1;
    set.bot_name = "demo_bot";
    return set;
  }
  struct got {
    int status;
    sandbox::json body;
  };
  static got read(const httplib::Result& result) {
    if (!result) return {0, {}};
    return {result->status, sandbox::json::parse(result->body).value_or(sandbox::json())};
  }
  got get(const std::string& path, const httplib::Headers& headers = {}) { return read(client->Get(path, headers)); }
  got post(const std::string& path, const std::string& body, const httplib::Headers& headers = {}) {
    return read(client->Post(path, headers, body, "application/json"));
  }
  got bot(const std::string& method, const std::string& body) { return post("/telegram/bot42:token/" + method, body); }

  sandbox::server server;
  std::unique_ptr<httplib::Client> client;
};

/// Takes IPNs and answers with the statuses given, then with 200.
struct ipn_receiver {
  struct ipn {
    std::string body, signature;
  };
  ipn_receiver() {
    http.Post("/ipn", [this](const httplib::Request& in, httplib::Response& out) {
      const std::lock_guard lock(mutex);
      taken.push_back({in.body, in.get_header_value("x-nowpayments-sig")});
      if (answers.empty()) return;
      out.status = answers.front();
      answers.pop_front();
    });
    port = http.bind_to_any_port("127.0.0.1");
    thread = std::thread([this] { http.listen_after_bind(); });
    while (!http.is_running()) std::this_thread::yield();
  }
  ~ipn_receiver() {
    http.stop();
    thread.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port) + "/ipn"; }

  httplib::Server http;
  std::thread thread;
  std::mutex mutex;
  std::vector<ipn> taken;
  std::deque<int> answers;
  int port = 0;
};
