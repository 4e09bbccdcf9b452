#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <unistd.h>

#include "config/secrets.hpp"

using namespace paygate;

namespace {

const std::string good_key(64, '7');

/// A folder of secrets that is gone with the test.
class secret_folder {
public:
  secret_folder() : path_(std::filesystem::temp_directory_path() / ("paygate-secrets-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~secret_folder() { std::filesystem::remove_all(path_); }
  void put(const std::string& name, const std::string& value) const { std::ofstream(path_ / name) << value; }
  void remove(const std::string& name) const { std::filesystem::remove(path_ / name); }
  void put_all() const {
    for (const char* name :
         {"NOWPAYMENTS_API_KEY", "NOWPAYMENTS_IPN_SECRET", "CHANGENOW_API_KEY", "SUCCESS_URL_SIGNING_KEY", "INTERNAL_SIGNING_KEY"})
      put(name, std::string("value-of-") + name + "\n");
    put("TELEGRAM_BOT_TOKEN", "  123456:AAbb-cc_dd \r\n");
    put("HOST_WALLET_PRIVATE_KEY", "0x" + good_key + "\n");
    put("ETHEREUM_RPC_URL", "https://one.example/v2/abcdefkey, http://127.0.0.1:8545 ,\n");
    put("DATABASE_URL", "postgresql://pay:hunter22@localhost/pay\n");
  }
  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

std::optional<std::string> no_environment(const std::string&) { return std::nullopt; }

} // namespace

TEST_CASE("secrets are trimmed, and lists are split") {
  secret_folder folder;
  folder.put_all();
  secret_store store(folder.path(), no_environment);
  CHECK(store.load().empty());
  CHECK(store.get("TELEGRAM_BOT_TOKEN") == "123456:AAbb-cc_dd");
  CHECK(store.get("NOWPAYMENTS_IPN_SECRET") == "value-of-NOWPAYMENTS_IPN_SECRET");
  CHECK(store.list("ETHEREUM_RPC_URL") == std::vector<std::string>{"https://one.example/v2/abcdefkey", "http://127.0.0.1:8545"});
  CHECK(store.get("JWT_SECRET_KEY").empty());
  CHECK(store.get("NO_SUCH_NAME").empty());
}

TEST_CASE("the file wins over the environment, the environment fills what has no file") {
  secret_folder folder;
  folder.put_all();
  folder.remove("CHANGENOW_API_KEY");
  const std::map<std::string, std::string> environment{{"CHANGENOW_API_KEY", "from-env\n"}, {"NOWPAYMENTS_API_KEY", "also-from-env"}};
  secret_store store(folder.path(), [&](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  });
  CHECK(store.load().empty());
  CHECK(store.get("CHANGENOW_API_KEY") == "from-env");
  CHECK(store.get("NOWPAYMENTS_API_KEY") == "value-of-NOWPAYMENTS_API_KEY");
}

TEST_CASE("what is missing or malformed is named, and its value is not told") {
  secret_folder folder;
  folder.put_all();
  const auto dir = folder.path().string();
  folder.put("NOWPAYMENTS_IPN_SECRET", " \n");
  folder.put("HOST_WALLET_PRIVATE_KEY", "0xabc123SECRET");
  folder.put("TELEGRAM_BOT_TOKEN", "token");
  folder.put("ETHEREUM_RPC_URL", "127.0.0.1:8545");
  folder.put("DATABASE_URL", "localhost");
  folder.put("SENDGRID_API_KEY", "two\nlines");
  secret_store store(folder.path(), no_environment);
  CHECK(
      store.load()
      == std::vector<std::string>{
          "Secret NOWPAYMENTS_IPN_SECRET is missing: expected a file of that name in " + dir + " or an environment variable of that name.",
          "Secret TELEGRAM_BOT_TOKEN is malformed in the file " + dir + "/TELEGRAM_BOT_TOKEN: expected a bot token like 123456:ABC....",
          "Secret HOST_WALLET_PRIVATE_KEY is malformed in the file " + dir
              + "/HOST_WALLET_PRIVATE_KEY: expected 32 bytes in hex, which are 64 digits, of a key on the curve secp256k1.",
          "Secret ETHEREUM_RPC_URL is malformed in the file " + dir
              + "/ETHEREUM_RPC_URL: expected one or more http(s) URLs, separated by commas.",
          "Secret DATABASE_URL is malformed in the file " + dir
              + "/DATABASE_URL: expected a libpq connection string: postgresql://... or key=value pairs.",
          "Secret SENDGRID_API_KEY is malformed in the file " + dir + "/SENDGRID_API_KEY: expected one line without control characters.",
      });
}

TEST_CASE("a key that is no number on the curve is malformed, and a folder is no secret") {
  secret_folder folder;
  folder.put_all();
  const std::string order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
  for (const auto& key : {order, std::string(64, 'F'), "0x" + order}) {
    folder.put("HOST_WALLET_PRIVATE_KEY", key);
    const auto faults = secret_store(folder.path(), no_environment).load();
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].find("HOST_WALLET_PRIVATE_KEY") != std::string::npos);
    CHECK(faults[0].find(key) == std::string::npos);
  }
  folder.put("HOST_WALLET_PRIVATE_KEY", order.substr(0, 63) + "0");
  CHECK(secret_store(folder.path(), no_environment).load().empty());

  secret_store store(folder.path(), no_environment);
  CHECK(store.load().empty());
  folder.remove("CHANGENOW_API_KEY");
  std::filesystem::create_directory(folder.path() / "CHANGENOW_API_KEY");
  const auto report = store.reload();
  REQUIRE(report.faults.size() == 1);
  CHECK(report.faults[0].find("CHANGENOW_API_KEY") != std::string::npos);
  CHECK(store.get("CHANGENOW_API_KEY") == "value-of-CHANGENOW_API_KEY");
}

TEST_CASE("a reload takes a good new value and keeps the last good one on a bad one") {
  secret_folder folder;
  folder.put_all();
  secret_store store(folder.path(), no_environment);
  REQUIRE(store.load().empty());
  CHECK(store.reload().changed.empty());
  folder.put("NOWPAYMENTS_IPN_SECRET", "rotated-secret\n");
  folder.put("HOST_WALLET_PRIVATE_KEY", "nonsense");
  folder.remove("INTERNAL_SIGNING_KEY");
  const auto report = store.reload();
  CHECK(report.changed == std::vector<std::string>{"NOWPAYMENTS_IPN_SECRET"});
  CHECK(report.faults.size() == 2);
  CHECK(store.get("NOWPAYMENTS_IPN_SECRET") == "rotated-secret");
  CHECK(store.get("HOST_WALLET_PRIVATE_KEY") == "0x" + good_key);
  CHECK(store.get("INTERNAL_SIGNING_KEY") == "value-of-INTERNAL_SIGNING_KEY");
  // The old value still works somewhere for a while: it stays masked.
  CHECK(store.redact("value-of-NOWPAYMENTS_IPN_SECRET rotated-secret") == "[redacted] [redacted]");
}

TEST_CASE("no secret survives redaction, whole or in the parts that matter") {
  secret_folder folder;
  folder.put_all();
  folder.put("COINGECKO_API_KEY", "abc");
  secret_store store(folder.path(), no_environment);
  REQUIRE(store.load().empty());
  CHECK(store.redact("POST /bot123456:AAbb-cc_dd/sendMessage") == "POST /bot[redacted]/sendMessage");
  CHECK(store.redact("key " + good_key + " and 0x" + good_key) == "key [redacted] and [redacted]");
  CHECK(store.redact("GET https://one.example/v2/abcdefkey failed") == "GET [redacted] failed");
  CHECK(store.redact("user=pay password is hunter22.") == "user=pay password is [redacted].");
  CHECK(store.redact("alphabet abc") == "alphabet abc");
  CHECK(store.redact("") == "");
}
