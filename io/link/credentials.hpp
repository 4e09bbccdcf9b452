#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>

#include "io/link/peer.hpp"
#include "io/link/refused_list.hpp"

// OpenSSL's own types, without its headers.
struct ssl_ctx_st;
struct x509_st;

namespace paygate {

/// A certificate with its key, and the authority that it and every peer must be of: ca.pem, cert.pem and key.pem of one folder, checked,
/// with the file `refused` if there is one.
class credentials {
public:
  /// Reads and checks the folder. A sentence says what is wrong: a file that is missing or malformed, a key that others may read or that is
  /// not the certificate's, a certificate of another authority, out of its time, or with no name of ours.
  static std::variant<std::shared_ptr<const credentials>, std::string> load(const std::string& folder);
  ~credentials();

  const peer_name& self() const { return self_; }
  /// The last second at which the certificate is good, since 1970.
  std::int64_t good_until() const { return good_until_; }
  /// TLS 1.3 only, both sides show a certificate of the authority, nothing is resumed.
  ssl_ctx_st* context() const { return context_; }
  /// Whose certificates are refused all the same.
  const refused_list& refused() const { return refused_; }
  /// What the files said, to see whether they changed.
  const std::string& fingerprint() const { return fingerprint_; }

private:
  credentials() = default;

  ssl_ctx_st* context_ = nullptr;
  peer_name self_;
  std::int64_t good_until_ = 0;
  refused_list refused_;
  std::string fingerprint_;
};
using credentials_ptr = std::shared_ptr<const credentials>;

/// The name in a certificate; a sentence when there is none or more than one.
std::variant<peer_name, std::string> name_in(const x509_st* certificate);
/// The last second at which a certificate is good, since 1970.
std::int64_t end_of(const x509_st* certificate);
/// The first one.
std::int64_t start_of(const x509_st* certificate);

/// The credentials in use: read at the start, and again when the files change. Safe from any thread.
class credential_store {
public:
  /// What the certificate must be for, when that is known.
  struct wanted {
    std::optional<peer_role> role;
    std::string name; ///< Empty: any.
  };
  /// A sentence when the folder is no good.
  static std::variant<std::shared_ptr<credential_store>, std::string> open(std::string folder, wanted who);

  credentials_ptr current() const;

  struct change_report {
    bool changed = false; ///< New ones are in use from now on; connections that stand keep theirs.
    std::string fault;    ///< Why new files are not taken, said once. The last good ones stay in use.
  };
  /// Looks at the files. Cheap enough for once a second. Files that do not fit each other are given one more look: somebody may be at it.
  change_report reload();

private:
  credential_store(std::string folder, wanted who) : folder_(std::move(folder)), wanted_(std::move(who)) {}
  std::variant<credentials_ptr, std::string> read() const;

  const std::string folder_;
  const wanted wanted_;
  mutable std::mutex mutex_;
  credentials_ptr current_;
  std::string bad_;   ///< What was wrong at the last look,
  int bad_looks_ = 0; ///< and for how many.
};

} // namespace paygate
