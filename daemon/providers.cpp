#include "daemon/providers.hpp"

namespace paygate {

namespace {

milliseconds whole_ms(setting_span span) { return std::chrono::duration_cast<milliseconds>(span); }

http_settings http_of(const settings& s, const std::string& base_url) {
  http_settings http;
  http.base_url = base_url;
  http.connect_timeout = whole_ms(s.timeouts.connect);
  http.read_timeout = whole_ms(s.timeouts.read);
  return http;
}

secret_source secret(const secret_store& secrets, const char* name) {
  return [&secrets, name] { return secrets.get(name); };
}

} // namespace

nowpayments_settings nowpayments_of(const settings& s, const secret_store& secrets) {
  nowpayments_settings of;
  of.http = http_of(s, s.base_url.nowpayments);
  of.public_url = s.http.public_url;
  of.api_key = secret(secrets, "NOWPAYMENTS_API_KEY");
  of.success_url_key = secret(secrets, "SUCCESS_URL_SIGNING_KEY");
  of.email = secret(secrets, "NOWPAYMENTS_EMAIL");
  of.password = secret(secrets, "NOWPAYMENTS_PASSWORD");
  return of;
}

changenow_settings changenow_of(const settings& s, const secret_store& secrets) {
  return {http_of(s, s.base_url.changenow), secret(secrets, "CHANGENOW_API_KEY")};
}

telegram_settings telegram_of(const settings& s, const secret_store& secrets) {
  telegram_settings of;
  of.http = http_of(s, s.base_url.telegram);
  of.token = secret(secrets, "TELEGRAM_BOT_TOKEN");
  of.start_link_key = secret(secrets, "INTERNAL_SIGNING_KEY");
  of.webhook_secret = secret(secrets, "TELEGRAM_WEBHOOK_SECRET");
  of.poll_timeout = std::chrono::duration_cast<seconds>(s.timeouts.telegram_poll);
  return of;
}

ethereum_settings ethereum_of(const settings& s, const secret_store& secrets) {
  ethereum_settings of;
  of.rpc_urls = [&secrets] { return secrets.list("ETHEREUM_RPC_URL"); };
  of.chain_id = static_cast<std::uint64_t>(s.ethereum.chain_id);
  of.connect_timeout = whole_ms(s.timeouts.connect);
  of.read_timeout = whole_ms(s.timeouts.read);
  return of;
}

argon2_cost password_cost_of(const settings& s) {
  const auto& p = s.passwords;
  return {static_cast<std::uint32_t>(p.memory_kib), static_cast<std::uint32_t>(p.passes), static_cast<std::uint32_t>(p.lanes)};
}

sendgrid_settings sendgrid_of(const settings& s, const secret_store& secrets) {
  return {http_of(s, s.base_url.sendgrid), secret(secrets, "SENDGRID_API_KEY"), s.mail.from, s.mail.from_name};
}

price_settings prices_of(const settings& s, const secret_store& secrets) {
  price_settings of;
  of.coingecko = http_of(s, s.base_url.coingecko);
  of.cryptocompare = http_of(s, s.base_url.cryptocompare);
  of.oneinch = http_of(s, s.base_url.oneinch);
  of.coingecko_key = secret(secrets, "COINGECKO_API_KEY");
  of.cryptocompare_key = secret(secrets, "CRYPTOCOMPARE_API_KEY");
  of.oneinch_key = secret(secrets, "ONEINCH_API_KEY");
  return of;
}

} // namespace paygate
