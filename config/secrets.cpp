#include "config/secrets.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "config/read_file.hpp"

namespace paygate {

namespace {

enum class shape { any, token_keys, bot_token, key_hex, url_list, database };

struct secret_rule {
  const char* name;
  bool required;
  shape form;
};

constexpr std::array<secret_rule, 19> rules{{
    {"NOWPAYMENTS_API_KEY", true, shape::any},
    {"NOWPAYMENTS_IPN_SECRET", true, shape::any},
    {"CHANGENOW_API_KEY", true, shape::any},
    {"TELEGRAM_BOT_TOKEN", true, shape::bot_token},
    {"HOST_WALLET_PRIVATE_KEY", true, shape::key_hex},
    {"ETHEREUM_RPC_URL", true, shape::url_list},
    {"DATABASE_URL", true, shape::database},
    {"SUCCESS_URL_SIGNING_KEY", true, shape::any},
    {"INTERNAL_SIGNING_KEY", true, shape::any},
    {"TELEGRAM_WEBHOOK_SECRET", false, shape::any},
    {"ETHEREUM_RPC_WEBHOOK_SECRET", false, shape::any},
    {"JWT_SECRET_KEY", false, shape::token_keys},
    {"SENDGRID_API_KEY", false, shape::any},
    {"COINGECKO_API_KEY", false, shape::any},
    {"CRYPTOCOMPARE_API_KEY", false, shape::any},
    {"ONEINCH_API_KEY", false, shape::any},
    {"NOWPAYMENTS_EMAIL", false, shape::any},
    {"NOWPAYMENTS_PASSWORD", false, shape::any},
    {"CHANGENOW_PRIVATE_KEY", false, shape::any},
}};

/// Of secp256k1 (SEC 2, 2.4.1): a private key is less.
constexpr std::string_view curve_order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
constexpr std::size_t masked_min = 6, token_key_min = 32;
constexpr std::string_view mask = "[redacted]";
constexpr std::string_view white = " \t\r\n\v\f";

std::string trim(std::string_view text) {
  const auto first = text.find_first_not_of(white);
  return first == text.npos ? std::string() : std::string(text.substr(first, text.find_last_not_of(white) - first + 1));
}

bool is_hex(std::string_view text) { return text.find_first_not_of("0123456789abcdefABCDEF") == text.npos; }

std::string lower(std::string_view text) {
  std::string low(text);
  for (char& c : low)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return low;
}

std::string_view without_0x(std::string_view text) { return text.starts_with("0x") || text.starts_with("0X") ? text.substr(2) : text; }

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    if (auto part = trim(text.substr(0, comma)); !part.empty()) parts.push_back(std::move(part));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (auto line = trim(text.substr(0, end)); !line.empty()) lines.push_back(std::move(line));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// What is expected instead, or "" when the value has the shape.
std::string_view missed_shape(shape form, std::string_view value) {
  for (unsigned char c : value)
    if ((c < 0x20 && !(c == '\n' && form == shape::token_keys)) || c == 0x7f) return "one line without control characters";
  switch (form) {
  case shape::any: return "";
  case shape::token_keys: {
    const auto lines = split_lines(value);
    const bool good = lines.size() <= 2 && std::all_of(lines.begin(), lines.end(), [](const auto& line) { return line.size() >= token_key_min; });
    return good ? "" : "a key of at least 32 characters, and on an optional second line the one before it";
  }
  case shape::bot_token: {
    const auto colon = value.find(':');
    const bool good = colon != value.npos && colon > 0 && colon + 1 < value.size()
                      && value.substr(0, colon).find_first_not_of("0123456789") == value.npos && value.find_first_of(" /") == value.npos;
    return good ? "" : "a bot token like 123456:ABC...";
  }
  case shape::key_hex: {
    const auto digits = without_0x(value);
    const bool good = digits.size() == 64 && is_hex(digits) && digits.find_first_not_of('0') != digits.npos && lower(digits) < curve_order;
    return good ? "" : "32 bytes in hex, which are 64 digits, of a key on the curve secp256k1";
  }
  case shape::url_list: {
    const auto urls = split_list(value);
    const bool good = !urls.empty() && std::all_of(urls.begin(), urls.end(), [](const std::string& url) {
      return (url.starts_with("http://") && url.size() > 7) || (url.starts_with("https://") && url.size() > 8);
    });
    return good ? "" : "one or more http(s) URLs, separated by commas";
  }
  case shape::database: {
    const bool url = value.starts_with("postgresql://") || value.starts_with("postgres://");
    return url || value.find('=') != value.npos ? "" : "a libpq connection string: postgresql://... or key=value pairs";
  }
  }
  return "";
}

// Passwords inside a connection string: "//user:password@" and "password=...".
std::vector<std::string> inner_secrets(std::string_view value) {
  std::vector<std::string> found;
  if (const auto start = value.find("://"); start != value.npos) {
    const auto authority = value.substr(start + 3, value.find_first_of("/?", start + 3) - start - 3);
    if (const auto at = authority.rfind('@'), colon = authority.find(':'); at != authority.npos && colon < at)
      found.emplace_back(authority.substr(colon + 1, at - colon - 1));
  }
  for (auto at = value.find("password="); at != value.npos; at = value.find("password=", at + 1)) {
    auto rest = value.substr(at + 9);
    if (rest.starts_with('\''))
      rest = rest.substr(1, rest.find('\'', 1) - 1);
    else
      rest = rest.substr(0, rest.find_first_of(" &"));
    found.emplace_back(rest);
  }
  return found;
}

} // namespace

secret_store::secret_store(std::filesystem::path dir, environment env) : dir_(std::move(dir)), env_(std::move(env)) {}

std::optional<std::string> secret_store::process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

secret_store::reading secret_store::read(std::size_t index) const {
  const auto& rule = rules[index];
  const std::string name = rule.name;
  std::optional<std::string> value;
  std::string from = "the environment variable " + name;
  std::error_code ignored;
  if (!dir_.empty() && std::filesystem::exists(dir_ / name, ignored)) {
    from = "the file " + (dir_ / name).string();
    value = read_file(dir_ / name);
    if (!value) return {std::nullopt, "Secret " + name + ": " + from + " cannot be read."};
  } else {
    value = env_(name);
  }
  auto text = trim(value.value_or(""));
  if (text.empty()) {
    if (!rule.required) return {};
    const auto where = dir_.empty() ? "" : "a file of that name in " + dir_.string() + " or ";
    return {std::nullopt, "Secret " + name + " is missing: expected " + where + "an environment variable of that name."};
  }
  if (const auto expected = missed_shape(rule.form, text); !expected.empty())
    return {std::nullopt, "Secret " + name + " is malformed in " + from + ": expected " + std::string(expected) + "."};
  return {std::move(text), ""};
}

void secret_store::remember(const std::string& value) {
  auto add = [this](std::string_view part) {
    if (part.size() < masked_min || std::find(masked_.begin(), masked_.end(), part) != masked_.end()) return;
    masked_.emplace_back(part);
  };
  add(value);
  add(without_0x(value));
  for (const auto& line : split_lines(value)) add(line);
  for (const auto& part : split_list(value)) {
    add(part);
    for (const auto& inner : inner_secrets(part)) add(inner);
  }
  for (const auto& inner : inner_secrets(value)) add(inner);
  std::stable_sort(masked_.begin(), masked_.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

std::vector<std::string> secret_store::load() { return reload().faults; }

secret_store::change_report secret_store::reload() {
  change_report report;
  // Files are read before the lock is taken: a hanging disk must not stop those who log.
  std::vector<reading> readings;
  for (std::size_t i = 0; i < rules.size(); ++i) readings.push_back(read(i));
  std::unique_lock lock(mutex_);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    auto& [value, fault] = readings[i];
    if (!fault.empty()) {
      report.faults.push_back(std::move(fault));
      continue;
    }
    auto& present = values_[rules[i].name];
    if (present == value.value_or("")) continue;
    present = value.value_or("");
    if (!present.empty()) remember(present);
    report.changed.emplace_back(rules[i].name);
  }
  return report;
}

std::string secret_store::get(std::string_view name) const {
  std::shared_lock lock(mutex_);
  const auto found = values_.find(name);
  return found == values_.end() ? std::string() : found->second;
}

std::vector<std::string> secret_store::list(std::string_view name) const { return split_list(get(name)); }

std::string secret_store::redact(std::string_view text) const {
  std::string clean(text);
  std::shared_lock lock(mutex_);
  for (const auto& secret : masked_)
    for (auto at = clean.find(secret); at != clean.npos; at = clean.find(secret, at + mask.size())) clean.replace(at, secret.size(), mask);
  return clean;
}

} // namespace paygate
