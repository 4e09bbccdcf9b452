#include "io/link/tls_stream.hpp"

#include <algorithm>
#include <cerrno>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "io/link/socket.hpp"

namespace paygate {

tls_stream::tls_stream(credentials_ptr own, int socket, bool dials) : own_(std::move(own)), ssl_(SSL_new(own_->context())) {
  if (!ssl_) return;
  SSL_set_fd(ssl_, socket);
  if (dials)
    SSL_set_connect_state(ssl_);
  else
    SSL_set_accept_state(ssl_);
}

tls_stream::~tls_stream() { SSL_free(ssl_); }

tls_result tls_stream::result_of(int code) {
  const int saved = errno;
  switch (SSL_get_error(ssl_, code)) {
  case SSL_ERROR_WANT_READ: return {tls_state::wants_read};
  case SSL_ERROR_WANT_WRITE: return {tls_state::wants_write};
  case SSL_ERROR_ZERO_RETURN: return {tls_state::ended};
  case SSL_ERROR_SYSCALL: trouble_ = saved == 0 ? "the connection was cut" : error_text(saved); break;
  default: {
    const auto error = ERR_peek_error();
    const char* reason = ERR_reason_error_string(error);
    // What is wrong with a certificate is said by the verification, not by the error.
    if (const auto verdict = SSL_get_verify_result(ssl_); verdict != X509_V_OK && ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED)
      reason = X509_verify_cert_error_string(verdict);
    trouble_ = reason ? reason : "TLS failed";
    if (ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING) trouble_ = "the connection was cut";
  }
  }
  ERR_clear_error();
  return {tls_state::failed};
}

tls_result tls_stream::shake_hands() {
  if (!ssl_) return trouble_ = "no memory for TLS", tls_result{tls_state::failed};
  ERR_clear_error();
  errno = 0;
  const int code = SSL_do_handshake(ssl_);
  return code == 1 ? tls_result{} : result_of(code);
}

tls_result tls_stream::read(std::uint8_t* into, std::size_t size) {
  ERR_clear_error();
  errno = 0;
  const int code = SSL_read(ssl_, into, static_cast<int>(std::min<std::size_t>(size, 1u << 20)));
  return code > 0 ? tls_result{tls_state::done, static_cast<std::size_t>(code)} : result_of(code);
}

tls_result tls_stream::write(const std::uint8_t* data, std::size_t size) {
  ERR_clear_error();
  errno = 0;
  const int code = SSL_write(ssl_, data, static_cast<int>(std::min<std::size_t>(size, 1u << 20)));
  return code > 0 ? tls_result{tls_state::done, static_cast<std::size_t>(code)} : result_of(code);
}

void tls_stream::end() {
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

std::variant<peer_name, std::string> tls_stream::peer() const {
  const auto* certificate = SSL_get0_peer_certificate(ssl_);
  if (!certificate || SSL_get_verify_result(ssl_) != X509_V_OK) return "no certificate that counts";
  return name_in(certificate);
}

std::int64_t tls_stream::peer_good_from() const {
  const auto* certificate = SSL_get0_peer_certificate(ssl_);
  return certificate ? start_of(certificate) : 0;
}

std::int64_t tls_stream::peer_good_until() const {
  const auto* certificate = SSL_get0_peer_certificate(ssl_);
  return certificate ? end_of(certificate) : 0;
}

} // namespace paygate
