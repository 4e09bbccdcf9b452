// Prints the OpenAPI document of the API's routes, for openapi_test.
#include <cstdio>

#include "io/http/api_router.hpp"

int main() {
  const paygate::api_router router(paygate::api_routes());
  const auto text = paygate::openapi_document(router.routes());
  std::fwrite(text.data(), 1, text.size(), stdout);
}
