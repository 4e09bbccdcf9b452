#pragma once

#include <memory>

#include <httplib.h>

#include "io/http/api.hpp"

namespace paygate {

/// Finds the row for a request under /api, checks what the row says, runs it. Made once; used by all threads.
class api_router {
public:
  explicit api_router(std::vector<api_route> routes);

  void answer(http_service& service, const httplib::Request& request, httplib::Response& response) const;

  /// The methods of a path ("GET, HEAD, OPTIONS"), empty when there is no such path.
  std::string methods_of(std::string_view path) const;

  const std::vector<api_route>& routes() const { return routes_; }

private:
  struct found {
    const api_route* route = nullptr;
    std::vector<std::string> params;
  };
  found find(std::string_view method, std::string_view path) const;
  api_answer run(http_service& service, const httplib::Request& request, const std::string& client) const;
  static void give(api_answer answer, const httplib::Request& request, httplib::Response& response);
  api_answer call(const api_route& route, api_call& call) const;

  std::vector<api_route> routes_;
  std::vector<std::vector<std::string>> pieces_; ///< Of each row's pattern, between its slashes.
  std::string document_;                         ///< /api/openapi.json.
};

} // namespace paygate
