#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "io/codec/json.hpp"
#include "io/providers/http_call.hpp"

// What all providers' clients share: how an answer that is not the wanted one becomes an io_failure.
namespace paygate {

/// A secret that may be reloaded while the daemon runs; asked at each call.
using secret_source = std::function<std::string()>;

/// A provider's words, fit for a log line and a database row: valid UTF-8 without control characters, at most 200 bytes, each of `secrets`
/// replaced by "***".
std::string provider_words(std::string_view text, std::initializer_list<std::string_view> secrets = {});

/// What a provider's own error body says; `code` may be empty.
struct provider_error {
  std::string code, words;
};

/// The failure that a status other than 2xx tells: 408, 425 and 429 are transient; 5xx is transient for reads and unknown for creating
/// calls; 401 and 403 are transient with the code "credentials", because an operator can mend a key and no work may fail for it. Any other
/// one is permanent with the provider's code (or "http_<status>") when the body is the provider's `error`, and transient when it is not: a
/// proxy's page, a wrong base URL.
io_failure status_failure(const http_answer& answer, http_effect effect, const std::optional<provider_error>& error = {});

/// An answer of success that is no JSON or misses what it must have. Transient for reads; a creating call may have happened: unknown.
io_failure nonsense(http_effect effect, std::string what);

/// Reports what is wrong with the caller, not the provider: a request that is not this client's.
io_failure wrong_lane(const io_request& request);

/// The same client, with every exception turned into an unknown failure "internal".
io_client never_throwing(io_client client);

} // namespace paygate
