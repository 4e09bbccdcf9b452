// The table of verbs: what each command line asks of the daemon, and what is wrong with the others.
#include <catch2/catch.hpp>

#include <set>
#include <sstream>

#include "ctl/help.hpp"
#include "ctl/print.hpp"
#include "ctl/shows.hpp"
#include "ctl/verbs.hpp"

using namespace paygate::ctl;

namespace {

std::variant<command, usage> read(const std::string& line, const std::string& input = "") {
  std::istringstream in(line), ids(input);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return read_command(words, ids);
}

std::string fault(const std::string& line) {
  const auto made = read(line);
  const auto* wrong = std::get_if<usage>(&made);
  return wrong ? wrong->text : "";
}

rapidjson::Document asked(const std::string& line) {
  const auto made = read(line);
  const auto* c = std::get_if<command>(&made);
  INFO(line << fault(line));
  REQUIRE(c);
  REQUIRE(c->asks.size() == 1);
  rapidjson::Document parsed;
  parsed.Parse(c->asks[0].request.c_str());
  REQUIRE(parsed.IsObject());
  return parsed;
}

std::string text(const rapidjson::Value& object, const char* name) { return object.HasMember(name) ? plain(object[name]) : "-"; }

} // namespace

TEST_CASE("verbs that look ask a question with its options") {
  const auto actors = asked("--json actors --kind payout --stuck --limit 5");
  CHECK(text(actors, "verb") == "query");
  CHECK(text(actors, "name") == "actors");
  CHECK(text(actors, "args") == R"({"kind":"payout","limit":5,"stuck":true})");
  CHECK(text(asked("failed list --all"), "args") == R"({"open":false})");
  CHECK(text(asked("webhooks list --order-id=01X"), "args") == R"({"order_id":"01X"})");
  CHECK(text(asked("trace 01X"), "args") == R"({"id":"01X"})");
  CHECK(text(asked("show payout 01X"), "kind") == "payout");
  CHECK(text(asked("show payout 01X"), "reason") == "-");
}

TEST_CASE("verbs that steer say who asks and why") {
  const auto refund = asked("--address h:1 payments refund 01X --address 0xabc --currency usdt --network trx --extra-id 7 --reason fair");
  CHECK(text(refund, "verb") == "refund");
  CHECK(text(refund, "id") == "01X");
  CHECK(text(refund, "address") == "0xabc");
  CHECK(text(refund, "currency") == "usdt");
  CHECK(text(refund, "network") == "trx");
  CHECK(text(refund, "extra_id") == "7");
  CHECK(text(refund, "reason") == "fair");
  CHECK(text(refund, "operator").find('@') != std::string::npos);
  CHECK(std::get<command>(read("--address h:1 payments refund 01X --address 0xabc --reason f")).address == "h:1");
  CHECK(std::get<command>(read("retry payout 1 --reason f --address h:2")).address == "h:2");
  CHECK(text(asked("cancel conversion c1 --reason x"), "kind") == "conversion");
  CHECK(text(asked("payouts cancel 01X --reason x"), "verb") == "cancel");
  const auto dry = asked("payments accept 01X --dry-run");
  CHECK(dry["dry_run"].GetBool());
}

TEST_CASE("ids from standard input are asked one by one") {
  const auto made = read("retry payout - --reason x", "a\n\n  b  more\n");
  const auto& c = std::get<command>(made);
  REQUIRE(c.asks.size() == 2);
  CHECK(c.asks[0].id == "a");
  CHECK(c.asks[1].request.find(R"("id":"b")") != std::string::npos);
  CHECK(std::get<command>(read("retry payout - --reason x")).asks.empty());
}

TEST_CASE("an entity is named by two words or by one, also on standard input") {
  CHECK(text(asked("show payout/01X"), "kind") == "payout");
  CHECK(text(asked("show subscription/-100:7"), "id") == "-100:7");
  const auto kinds = read("retry - --reason x", "payout/a\nconversion c1\n");
  const auto& c = std::get<command>(kinds);
  REQUIRE(c.asks.size() == 2);
  CHECK(c.asks[0].request.find(R"("kind":"payout","id":"a")") != std::string::npos);
  CHECK(c.asks[1].request.find(R"("kind":"conversion","id":"c1")") != std::string::npos);
  const auto named = std::get<command>(read("retry payout - --reason x", "payout/a\n"));
  CHECK(named.asks[0].request.find(R"("id":"a")") != std::string::npos);
  CHECK(std::holds_alternative<usage>(read("retry payout - --reason x", "conversion/a\n")));
  CHECK(std::holds_alternative<usage>(read("retry - --reason x", "a\n")));
}

TEST_CASE("a verb over many is one command of the daemon") {
  const auto sweep = asked("retry --all --kind payout --reason-is invoice:*503 --reason back");
  CHECK(text(sweep, "verb") == "sweep");
  CHECK(text(sweep, "of") == "retry");
  CHECK(text(sweep, "kind") == "payout");
  CHECK(text(sweep, "reason_is") == "invoice:*503");
  CHECK(text(sweep, "reason") == "back");
  CHECK(text(sweep, "all") == "-");
  CHECK(text(asked("cancel --all --kind payout --state needs_attention --reason x"), "status") == "needs_attention");
  CHECK(std::get<command>(read("retry --all --reason x")).does == flow::sweep);
  CHECK(std::get<command>(read("retry --all --dry-run")).does == flow::sweep);
  CHECK(std::get<command>(read("import --from x --platform-bps 300 --dry-run")).does == flow::sweep);
  CHECK(fault("retry --all payout 1 --reason x") != "");
  CHECK(std::get<command>(read("drain node-b --dry-run")).does == flow::once);
  CHECK(fault("retry payout 1 --kind payout --reason x") != "");
}

TEST_CASE("nodes, pauses and levels are told by name") {
  CHECK(text(asked("drain node-b --reason x"), "node") == "node-b");
  CHECK(text(asked("stuck --kind payout"), "name") == "stuck");
  CHECK(text(asked("quarantined"), "name") == "quarantined");
  CHECK(std::get<command>(read("quarantined --output ids")).ids == "kind/id");
  CHECK(text(asked("pause payouts --reason x"), "what") == "payouts");
  CHECK(text(asked("resume lane/telegram --reason x"), "what") == "lane/telegram");
  CHECK(text(asked("log level debug --node n --reason x"), "level") == "debug");
  CHECK(text(asked("config show --node n"), "node") == "n");
  CHECK(text(asked("tree --shards"), "shards") == "-");
  CHECK(text(asked("pause list"), "name") == "pauses");
  CHECK(std::get<command>(read("drain n --reason x")).does == flow::drain);
  CHECK(std::get<command>(read("drain n --reason x --no-wait")).does == flow::once);
  CHECK(std::get<command>(read("drain n --dry-run")).does == flow::once);
}

TEST_CASE("the form of the answer is chosen for every verb that has it") {
  CHECK(std::get<command>(read("actors --output ids")).ids == "kind/id");
  CHECK(std::get<command>(read("--output json actors")).json());
  CHECK(std::get<command>(read("actors --json")).json());
  CHECK(fault("actors --output yaml") != "");
  CHECK(fault("ledger check --output ids") != "");
  CHECK(std::get<command>(read("actors --limit 5000 --state paid")).arguments == R"({"status":"paid"})");
  CHECK(text(asked("actors --after payout/01X"), "args") == R"({"after_kind":"payout","after":"01X"})");
  CHECK(fault("actors --after 01X") != "");
  CHECK(text(asked("list --reason"), "name") == "reasons");
  CHECK(text(asked("list --reason-is a:b"), "name") == "actors");
  CHECK(std::get<command>(read("tail --follow --kind payout")).does == flow::tail);
  CHECK(std::get<command>(read("tail")).does == flow::once);
}

TEST_CASE("the tree shows what hangs below what, and a node that is silent") {
  rapidjson::Document answer;
  answer.Parse(
      R"({"nodes":[{"node":"i1","name":"a","draining":false,"ready":true,"log_level":"info","started_at":"t","shards_held":2,"residents":3,
    "waiting":0,"pauses":["kind/payout","lane/signer"],"pauses_known":true,"kinds":[{"kind":"payment","where":"live","count":3}],
    "lanes":[{"lane":"signer","queue":4,"workers":1,"busy":1,"circuit_open":true,"held_ms":0}],"committers":[7],
    "shards":[{"shard":0,"epoch":9,"residents":3}]},{"node":"i2","name":"b","error":{"code":"unavailable","text":"no link"}}]})");
  const auto tree = show_tree_with_shards(answer);
  INFO(tree);
  for (const auto* part : {"cluster\n|- a  ready", "|  |- shards  2, residents 3", "|  |  |- payment\n|  |  |  `- live  3",
                           "shard 0  epoch 9", "signer  busy 1 of 1, queue 4, circuit open, PAUSED", "0  steps under way 7",
                           "PAUSED  kind/payout lane/signer", "`- b  does not answer: no link"})
    CHECK(tree.find(part) != std::string::npos);
  CHECK(show_tree(answer).find("shard 0") == std::string::npos);
}

TEST_CASE("wrong usage is told before anybody is asked") {
  for (const auto* line : {"", "nonsense", "failed", "failed burn 1", "retry payout", "retry payout 1", "retry payout 1 2 --reason x",
                           "actors --limit many", "actors --reason x", "actors --kind", "--kind x actors", "channels add --reason x",
                           "channels add --file /nowhere --reason x", "payments accept 1 --address a:1 --outside --reason x"})
    CHECK_FALSE(fault(line).empty());
  CHECK(fault("payments accept 1").find("--reason") != std::string::npos);
  CHECK(std::get<usage>(read("retry --help")).asked_for);
}

TEST_CASE("each verb is in the help and has a name of its own") {
  std::set<std::string> names;
  for (const auto& v : verbs()) {
    CHECK(names.insert(v.name).second);
    CHECK(help_text().find("  " + std::string(v.name)) != std::string::npos);
    CHECK(std::string(v.help).size() > 5);
  }
  CHECK(names.size() > 20);
}

TEST_CASE("a trace reads from the payment to the transaction") {
  rapidjson::Document answer;
  answer.Parse(
      R"({"order_id":"01X","status":"paid","price_usd":"30","channel":"C","decision":"none","deposits":[{"payment_id":"5","settled_at":"t",
    "actually_paid":"1","pay_currency":"btc","gross_eth":"2","gross_usd":"30","fee_eth":"0.06","fee_usd":"0.9","net_eth":"1.94","net_usd":"29.1",
    "payout_id":"01X","payout_status":"completed","refund":false,"pot":"eth","target_ticker":"eth","target_network":"eth","payout_put_in":"1.94","payout_put_in_currency":"eth",
    "payout_amount":"1.94","address":"0xa","transfer_intent":"payout/01X/0","transfer_status":"confirmed","transfer_eth":"1.94","transfer_nonce":"3",
    "transfer_block":"9","transfer_hash":"0xfeed","conversion_id":null}]})");
  const auto text = trace_report(answer);
  for (const auto* part :
       {"order 01X  paid  $30", "1 btc", "1.94 eth = $29.1", "payout 01X completed", "paid                  1.94 eth (eth)", "0xfeed"})
    CHECK(text.find(part) != std::string::npos);
  CHECK(text.find("conversion") == std::string::npos);
}
