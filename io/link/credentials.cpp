#include "io/link/credentials.hpp"

#include <cerrno>
#include <ctime>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "io/link/socket.hpp"

namespace paygate {

namespace {

template <auto Free>
struct deleter {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using bio_ptr = std::unique_ptr<BIO, deleter<BIO_free>>;
using x509_ptr = std::unique_ptr<X509, deleter<X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, deleter<EVP_PKEY_free>>;
using context_ptr = std::unique_ptr<SSL_CTX, deleter<SSL_CTX_free>>;
using verify_ptr = std::unique_ptr<X509_STORE_CTX, deleter<X509_STORE_CTX_free>>;
using names_ptr = std::unique_ptr<GENERAL_NAMES, deleter<GENERAL_NAMES_free>>;

constexpr std::size_t file_max = 64 * 1024;

struct folder_files {
  std::string ca, cert, key, refused;
};

/// One file of the folder; `secret`: nobody but its owner may read it.
std::optional<std::string> read_at(int folder, const char* name, bool secret, std::string& into) {
  const unique_fd file(openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return std::string(name) + " cannot be read: " + error_text(errno);
  struct stat about {};
  if (fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) return std::string(name) + " is no file";
  if (secret && (about.st_mode & 077) != 0) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", about.st_mode & 07777u);
    return std::string(name) + " may be read by others (mode " + mode + "): expected 0600 or 0400";
  }
  into.resize(file_max + 1);
  std::size_t size = 0;
  for (;;) {
    const auto n = read(file.get(), into.data() + size, into.size() - size);
    if (n < 0) return std::string(name) + " cannot be read: " + error_text(errno);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
    if (size > file_max) return std::string(name) + " is too long";
  }
  into.resize(size);
  return std::nullopt;
}

/// The folder is opened once, so that a folder that is exchanged meanwhile is seen whole, as it was or as it is.
std::variant<folder_files, std::string> read_files(const std::string& path) {
  const unique_fd folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return "it cannot be opened: " + error_text(errno);
  folder_files files;
  auto wrong = read_at(folder.get(), "ca.pem", false, files.ca);
  if (!wrong) wrong = read_at(folder.get(), "cert.pem", false, files.cert);
  if (!wrong) wrong = read_at(folder.get(), "key.pem", true, files.key);
  // Most clusters have never lost a certificate.
  if (!wrong && faccessat(folder.get(), "refused", F_OK, 0) == 0) wrong = read_at(folder.get(), "refused", false, files.refused);
  if (wrong) return *wrong;
  return files;
}

std::string fingerprint_of(const folder_files& files) {
  return files.ca + '\0' + files.cert + '\0' + files.refused + '\0' + std::to_string(std::hash<std::string>()(files.key));
}

std::vector<x509_ptr> certificates_in(const std::string& pem) {
  std::vector<x509_ptr> all;
  const bio_ptr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (auto* found = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) all.emplace_back(found);
  ERR_clear_error();
  return all;
}

/// What OpenSSL says about a certificate under these authorities; empty when it is good.
std::string fault_of(X509* certificate, STACK_OF(X509) * chain, X509_STORE* store) {
  const verify_ptr verify(X509_STORE_CTX_new());
  if (!verify || X509_STORE_CTX_init(verify.get(), store, certificate, chain) != 1) return "OpenSSL cannot check it";
  if (X509_verify_cert(verify.get()) == 1) return {};
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(verify.get()));
}

/// A key without a passphrase: nobody is there to type one.
key_ptr key_in(const std::string& pem) {
  const bio_ptr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  key_ptr key(PEM_read_bio_PrivateKey(
      bio.get(), nullptr, [](char*, int, int, void*) { return 0; }, nullptr));
  ERR_clear_error();
  return key;
}

void set_up(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_verify_depth(context, 2);
  // Each connection proves itself anew.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_max_cert_list(context, 32 * 1024);
  SSL_CTX_set_read_ahead(context, 1); // One call for a record instead of two.
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
}

} // namespace

std::variant<peer_name, std::string> name_in(const x509_st* certificate) {
  const names_ptr names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::optional<peer_name> found;
  int uris = 0;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    ++uris;
    const auto* uri = name->d.uniformResourceIdentifier;
    found = parse_peer_uri({reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)), static_cast<std::size_t>(ASN1_STRING_length(uri))});
  }
  if (uris != 1 || !found) return "the certificate has no name of ours: expected one URI, paygate://node/NAME or paygate://operator/NAME";
  return *found;
}

namespace {
std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm at{};
  return ASN1_TIME_to_tm(time, &at) == 1 ? timegm(&at) : 0;
}
} // namespace

std::int64_t end_of(const x509_st* certificate) { return seconds_of(X509_get0_notAfter(certificate)); }
std::int64_t start_of(const x509_st* certificate) { return seconds_of(X509_get0_notBefore(certificate)); }

credentials::~credentials() { SSL_CTX_free(context_); }

std::variant<credentials_ptr, std::string> credentials::load(const std::string& folder) {
  auto read = read_files(folder);
  if (auto* wrong = std::get_if<std::string>(&read)) return std::move(*wrong);
  const auto& files = std::get<folder_files>(read);
  const auto authorities = certificates_in(files.ca);
  if (authorities.empty()) return "ca.pem has no certificate";
  auto chain = certificates_in(files.cert);
  if (chain.empty()) return "cert.pem has no certificate";
  const auto key = key_in(files.key);
  if (!key) return "key.pem has no key that can be read without a passphrase";

  context_ptr context(SSL_CTX_new(TLS_method()));
  if (!context) return "OpenSSL gives no context";
  set_up(context.get());
  auto* store = SSL_CTX_get_cert_store(context.get());
  for (const auto& authority : authorities)
    if (X509_STORE_add_cert(store, authority.get()) != 1 || SSL_CTX_add_client_CA(context.get(), authority.get()) != 1)
      return "ca.pem has a certificate that OpenSSL does not take";
  if (SSL_CTX_use_certificate(context.get(), chain.front().get()) != 1) return "OpenSSL does not take cert.pem";
  if (X509_check_private_key(chain.front().get(), key.get()) != 1) return "key.pem is not the key of cert.pem";
  if (SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) return "OpenSSL does not take key.pem";
  for (std::size_t i = 1; i < chain.size(); ++i) SSL_CTX_add1_chain_cert(context.get(), chain[i].get());
  STACK_OF(X509)* between = nullptr;
  SSL_CTX_get0_chain_certs(context.get(), &between);
  if (const auto wrong = fault_of(chain.front().get(), between, store); !wrong.empty())
    return "cert.pem is not good under ca.pem: " + wrong;
  auto name = name_in(chain.front().get());
  if (auto* wrong = std::get_if<std::string>(&name)) return "cert.pem: " + *wrong;
  // Who dials shows it as a client; nodes are dialed, too.
  auto* own = chain.front().get();
  if (X509_check_purpose(own, X509_PURPOSE_SSL_CLIENT, 0) != 1) return "cert.pem is not for clients (extendedKeyUsage clientAuth)";
  if (std::get<peer_name>(name).role == peer_role::node && X509_check_purpose(own, X509_PURPOSE_SSL_SERVER, 0) != 1)
    return "cert.pem is not for servers (extendedKeyUsage serverAuth)";

  auto refused = refused_list::parse(files.refused);
  if (auto* wrong = std::get_if<std::string>(&refused)) return "refused: " + *wrong;

  std::shared_ptr<credentials> made(new credentials);
  made->refused_ = std::get<refused_list>(std::move(refused));
  made->self_ = std::get<peer_name>(std::move(name));
  made->good_until_ = end_of(chain.front().get());
  made->fingerprint_ = fingerprint_of(files);
  made->context_ = context.release();
  ERR_clear_error();
  return made;
}

std::variant<std::shared_ptr<credential_store>, std::string> credential_store::open(std::string folder, wanted who) {
  std::shared_ptr<credential_store> store(new credential_store(std::move(folder), std::move(who)));
  auto read = store->read();
  if (auto* wrong = std::get_if<std::string>(&read)) return std::move(*wrong);
  store->current_ = std::get<credentials_ptr>(std::move(read));
  return store;
}

std::variant<credentials_ptr, std::string> credential_store::read() const {
  auto loaded = credentials::load(folder_);
  if (auto* wrong = std::get_if<std::string>(&loaded)) return folder_ + ": " + *wrong;
  const auto& self = std::get<credentials_ptr>(loaded)->self();
  if ((wanted_.role && *wanted_.role != self.role) || (!wanted_.name.empty() && wanted_.name != self.name))
    return folder_ + ": cert.pem is of " + to_text(self) + "; wanted is "
           + (wanted_.name.empty() ? std::string("one of a node") : to_text({wanted_.role.value_or(self.role), wanted_.name}));
  return loaded;
}

credentials_ptr credential_store::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

credential_store::change_report credential_store::reload() {
  const auto files = read_files(folder_);
  std::string seen, fault;
  if (const auto* wrong = std::get_if<std::string>(&files))
    seen = fault = folder_ + ": " + *wrong;
  else
    seen = fingerprint_of(std::get<folder_files>(files));
  const std::lock_guard lock(mutex_);
  if (seen == current_->fingerprint()) return bad_.clear(), change_report{};
  // Said already, and nothing has changed since.
  if (seen == bad_ && bad_looks_ >= 2) return {};
  if (fault.empty()) {
    auto loaded = read();
    if (auto* fresh = std::get_if<credentials_ptr>(&loaded)) {
      current_ = std::move(*fresh);
      bad_.clear();
      return {true, {}};
    }
    fault = std::get<std::string>(loaded);
  }
  bad_looks_ = seen == bad_ ? bad_looks_ + 1 : 1;
  bad_ = seen;
  return {false, bad_looks_ == 2 ? fault : std::string()};
}

} // namespace paygate
