// SendGrid's client against a scripted server that speaks the wire format of provider-apis 5.3.
#include <catch2/catch.hpp>

#include "crypto/hash.hpp"
#include "io/providers/sendgrid.hpp"
#include "tests/io/provider_fake.hpp"

using namespace paygate;
using fake::fault_of;

namespace {

sendgrid_settings at(const std::string& url, std::string key = "SG.key-of-the-test") {
  return {{.base_url = url, .connect_timeout = fake::time_out, .read_timeout = fake::time_out}, [key] { return key; }, "pay@example.org", "Pay"};
}
const send_mail mail{"ann@example.org", "A \"subject\"", "text\nhttps://x/?a=1", "<p>html</p>"};

} // namespace

TEST_CASE("a mail is sent once, plain text first, without counted clicks") {
  fake::provider server;
  const auto client = make_sendgrid_client(at(server.url()));
  server.script({202, "", "text/plain", {}});
  CHECK(std::holds_alternative<done>(client(mail)));
  const auto seen = server.last();
  CHECK(seen.method == "POST");
  CHECK(seen.path == "/v3/mail/send");
  CHECK(seen.header("Authorization") == "Bearer SG.key-of-the-test");
  const auto body = seen.json();
  CHECK(json_text_or_empty(body["personalizations"][0]["to"][0], "email") == "ann@example.org");
  CHECK(json_text_or_empty(body["from"], "email") == "pay@example.org");
  CHECK(json_text_or_empty(body, "subject") == "A \"subject\"");
  CHECK(json_text_or_empty(body["content"][0], "type") == "text/plain");
  CHECK(json_text_or_empty(body["content"][0], "value") == mail.text);
  CHECK(json_text_or_empty(body["content"][1], "type") == "text/html");
  CHECK(json_bool(body["tracking_settings"]["click_tracking"], "enable") == false);
}

TEST_CASE("what SendGrid refuses is judged") {
  fake::provider server;
  const auto client = make_sendgrid_client(at(server.url()));
  struct row {
    int status;
    std::string body, fault;
  };
  const std::string errors = R"({"errors":[{"message":"Does not contain a valid address.","field":"personalizations.0.to.0.email","help":null}]})";
  const row rows[] = {
    {400, errors, "permanent http_400"},
    {413, errors, "permanent http_413"},
    {400, "<html>a proxy</html>", "transient http_400"},
    {401, R"({"errors":[{"message":"Maximum credits exceeded","field":null,"help":null}]})", "transient credentials"},
    {403, errors, "transient credentials"},
    {429, errors, "transient http_429"},
    {500, "", "unknown http_500"},
    {503, "", "unknown http_503"},
  };
  for (const auto& row : rows) {
    server.script({row.status, row.body, "application/json", {}});
    INFO(row.status << " " << row.body);
    CHECK(fault_of(client(mail)) == row.fault);
  }
}

TEST_CASE("without a key mails wait for one, and a key never shows up in a failure") {
  fake::provider server;
  CHECK(fault_of(make_sendgrid_client(at(server.url(), ""))(mail)) == "transient credentials");
  CHECK(server.requests().empty());
  server.script({400, R"({"errors":[{"message":"bad key SG.key-of-the-test"}]})", "application/json", {}});
  const auto outcome = make_sendgrid_client(at(server.url()))(mail);
  CHECK(std::get<io_failure>(outcome).text.find("SG.key") == std::string::npos);
}

TEST_CASE("secrets are 32 random bytes, stored as their hash") {
  const auto client = make_sendgrid_client(at("http://127.0.0.1:1"));
  const auto one = std::get<secret_made>(client(make_secret{})), two = std::get<secret_made>(client(make_secret{}));
  CHECK(one.secret != two.secret);
  CHECK(base64url_decode(one.secret)->size() == 32);
  CHECK(one.hash == sha256_hex(one.secret));
  CHECK(fault_of(client(get_swap{"s"})) == "permanent wrong_lane");
}
