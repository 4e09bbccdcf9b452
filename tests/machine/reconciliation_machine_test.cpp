#include "actors/reconciliation/reconciliation_machine.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

using machine_type = machine<reconciliation_kind>;
using status = reconciliation_status;

int128 units(std::string_view text) { return parse_decimal(text)->units; }
usdt_amount usdt(std::string_view text) { return usdt_amount::of_units(units(text)); }

machine_type idle() {
  machine_type m("main");
  m.rules.usdt_contract = "0xdd";
  m.rules.confirmations = 2;
  m.send(start_reconciliation{});
  m.done_with("open", chain_state{100, 100, start_of_time(), 0, 0});
  return m;
}

/// A round up to `wanted`, over an audit of these items.
machine_type at(status wanted, std::vector<audit_item> items = {}, unclaimed_seen unclaimed = {}) {
  auto m = idle();
  m.send(run_reconciliation{});
  if (wanted == status::cutting) return m;
  m.done_with("cut", books_cut{50, eth("1"), usdt("10"), 104});
  if (wanted == status::anchoring) return m;
  m.done_with("anchor", chain_state{105, 105, start_of_time(), 0, 0});
  m.done_with("anchor", chain_state{106, 105, start_of_time(), units("1"), units("10")});
  if (wanted == status::scanning) return m;
  m.done_with("scan", wallet_history{});
  const bool none = items.empty();
  m.done_with("page", audit_page{std::move(items), 50, false});
  if (!none) return m;
  if (wanted == status::listing) return m;
  m.done_with("list", no_way("no_credentials"));
  if (wanted == status::claiming) return m;
  m.done_with("claims", std::move(unclaimed));
  return m;
}

audit_item transfer_item() {
  audit_item i;
  i.what = audited::transfer, i.entry = 7, i.subject = "transfer/payout/p/1", i.hash = "0xaa", i.currency = "eth";
  i.units = units("0.1"), i.gas = units("0.001");
  return i;
}
audit_item deposit_item() {
  audit_item i;
  i.what = audited::deposit, i.entry = 8, i.subject = "deposit/5", i.id = "5", i.hash = "0xbb", i.currency = "eth", i.units = units("0.02");
  return i;
}
audit_item swap_item() {
  audit_item i;
  i.what = audited::swap, i.entry = 9, i.subject = "payout/p", i.id = "s1", i.hash = "0xcc", i.currency = "xmr", i.units = units("3");
  i.sent_currency = "eth", i.sent = units("0.1");
  return i;
}
receipt receipt_of(std::string hash, bool reverted = false) { return {std::move(hash), 104, reverted, 21'000, 1, {}}; }

std::string kinds_of(const machine_type& m) {
  std::string text;
  for (const auto& e : m.rows<exception_found>()) text += (text.empty() ? "" : " ") + std::string(to_text(e.kind));
  return text;
}
exception_found found(const machine_type& m) {
  const auto all = m.rows<exception_found>();
  REQUIRE(all.size() == 1);
  return all[0];
}

} // namespace

TEST_CASE("it opens at the newest block, starts a round when told to, and another after the one under way") {
  auto m = idle();
  CHECK(m.state.status == status::idle);
  CHECK(m.state.base_block == 100);
  CHECK(m.due_words() == "");
  CHECK(code_of(machine_type("other").send(start_reconciliation{})) == "invalid");
  CHECK(code_of(machine_type("main").send(run_reconciliation{})) == "not_found");
  CHECK(std::get<round_view>(m.send(run_reconciliation{})) == round_view{1});
  CHECK(m.state.status == status::cutting);
  // What happened before this question may have happened after the ledger was read: the next round is the one that answers it.
  CHECK(std::get<round_view>(m.send(run_reconciliation{})) == round_view{2});
  CHECK(std::get<round_view>(m.send(run_reconciliation{})) == round_view{2});
}

TEST_CASE("the chain's balances are those of a block behind the cut, and deep enough") {
  auto m = at(status::anchoring);
  CHECK(m.request<get_chain_state>("anchor").block == 0);
  m.done_with("anchor", chain_state{103, 103, start_of_time(), 0, 0}); // A node that does not have what the cut rests on.
  CHECK(m.state.anchor_block == 0);
  m.done_with("anchor", chain_state{105, 105, start_of_time(), 0, 0});
  CHECK(m.request<get_chain_state>("anchor") == get_chain_state{"0xabc", "0xdd", 105});
  m.done_with("anchor", chain_state{105, 105, start_of_time(), units("9"), 0}); // Not deep enough: it may be another block soon.
  CHECK(m.state.status == status::anchoring);
  m.done_with("anchor", chain_state{106, 105, start_of_time(), units("1"), units("10")});
  CHECK(m.state.status == status::scanning);
  CHECK(m.request<get_wallet_history>("scan") == get_wallet_history{"0xabc", "0xdd", 101, 105});
}

TEST_CASE("blocks are read page by page, the last ones of the round before again") {
  auto m = at(status::scanning);
  m.state.base_block = 100, m.state.scanned_block = 300, m.state.anchor_block = 325, m.state.scan_from = 301;
  chain_movement seen;
  seen.hash = "0x1", seen.currency = "eth", seen.units = 5, seen.block = 302;
  m.done_with("scan", wallet_history{{seen}});
  const auto rows = m.rows<movements_seen>();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].first == 301);
  CHECK(rows[0].last == 310);
  CHECK(rows[0].movements == std::vector{seen});
  CHECK(m.request<get_wallet_history>("scan").first == 311);
  m.done_with("scan", wallet_history{});
  CHECK(m.request<get_wallet_history>("scan").last == 325);
  m.done_with("scan", wallet_history{});
  CHECK(m.state.status == status::auditing);
  CHECK(m.state.scanned_block == 325);
  auto next = at(status::anchoring);
  next.state.scanned_block = 300, next.state.mined_block = 0;
  next.done_with("anchor", chain_state{400, 400, start_of_time(), 0, 0});
  next.done_with("anchor", chain_state{401, 400, start_of_time(), 0, 0});
  CHECK(next.state.scan_from == 300 - static_cast<std::int64_t>(reconciling::scan_overlap) + 1);
}

TEST_CASE("what became final is looked up: transfers by their receipts") {
  auto m = at(status::auditing, {transfer_item()});
  CHECK(m.request<get_receipts>("hashes") == get_receipts{"0xabc", {"0xaa"}});
  auto good = m;
  good.done_with("hashes", receipts_read{110, 3, {receipt_of("0xaa")}});
  CHECK(good.state.status == status::listing);
  CHECK(kinds_of(good) == "");
  auto behind = m;
  behind.done_with("hashes", receipts_read{104, 3, {}}); // This node does not have the block yet.
  CHECK_FALSE(behind.last.changed);
  // A node may forget for a moment: it is asked again before anybody is alarmed.
  for (int i = 1; i < reconciling::doubts_max; ++i) {
    m.done_with("hashes", receipts_read{110, 3, {}});
    CHECK(kinds_of(m) == "");
  }
  m.done_with("hashes", receipts_read{110, 3, {}});
  const auto e = found(m);
  CHECK(e.kind == exception_kind::missing_payout);
  CHECK(e.subject == "transfer/payout/p/1");
  CHECK(e.wallet_eth == units("0.101")); // The wallet still has value and gas: the balance is explained by it.
  CHECK(e.entry == 7);
  CHECK(e.round == 1);
  CHECK(m.state.status == status::listing);

  auto reverted = at(status::auditing, {transfer_item()});
  reverted.done_with("hashes", receipts_read{110, 3, {receipt_of("0xaa", true)}});
  CHECK(found(reverted).wallet_eth == units("0.1"));
}

TEST_CASE("what became final is looked up: deposits and swaps by the provider's record") {
  struct row {
    audit_item item;
    io_outcome said;
    std::string kinds;
    int128 actual;
  };
  provider_payment p;
  p.payment_id = "5", p.status = provider_status::finished, p.outcome_currency = "eth", p.outcome_amount = units("0.02");
  const auto with = [](auto value, auto change) { return change(value), value; };
  swap_state s{"s1", swap_status::finished, units("0.1"), units("3"), {}, "", "0xCC", "", {}};
  for (const auto& r : {
           row{deposit_item(), p, "", 0},
           row{deposit_item(), with(p, [](auto& x) { x.outcome_amount = units("0.03"); }), "wrong_provider_amount", units("0.03")},
           row{deposit_item(), with(p, [](auto& x) { x.outcome_currency = "btc"; }), "wrong_provider_amount", 0},
           row{deposit_item(), with(p, [](auto& x) { x.status = provider_status::partially_paid; }), "", 0},
           row{deposit_item(), with(p, [](auto& x) { x.status = provider_status::refunded; }), "wrong_provider_amount", units("0.02")},
           row{deposit_item(), no_way("http_404"), "wrong_provider_amount", 0},
           row{deposit_item(), no_way("credentials"), "", 0}, // It says nothing about the payment.
           row{swap_item(), s, "", 0},
           row{swap_item(), with(s, [](auto& x) { x.status = swap_status::failed; }), "missing_payout", 0},
           row{swap_item(), with(s, [](auto& x) { x.payout_hash = "0xdd"; }), "missing_payout", units("3")},
           row{swap_item(), with(s, [](auto& x) { x.amount_to = units("2"); }), "wrong_provider_amount", units("2")},
           row{swap_item(), with(s, [](auto& x) { x.amount_from = units("0.2"); }), "wrong_provider_amount", units("0.2")},
           row{swap_item(), with(s, [](auto& x) { x.amount_to.reset(), x.amount_from.reset(); }), "", 0},
           row{swap_item(), no_way("not_found"), "missing_payout", 0},
       }) {
    auto m = at(status::auditing, {r.item});
    m.done_with("item", r.said);
    CHECK(kinds_of(m) == r.kinds);
    if (!r.kinds.empty())
      CHECK((r.kinds == "wrong_provider_amount" && found(m).currency == "btc" ? int128(0) : found(m).actual) == r.actual);
    CHECK(m.state.status == status::listing);
  }
  auto lost = swap_item();
  lost.what = audited::paid_out;
  auto m = at(status::auditing, {lost});
  for (int i = 0; i < reconciling::doubts_max; ++i) m.done_with("hashes", receipts_read{110, 3, {}});
  CHECK(found(m).kind == exception_kind::missing_payout);
  CHECK(found(m).wallet_eth == 0);
}

TEST_CASE("a page is read again after a restart, and the next one begins where it ended") {
  auto m = at(status::auditing, {deposit_item(), swap_item()});
  CHECK(m.due_words() == "item item");
  auto restarted = m;
  restarted.state.hand.reset();
  CHECK(restarted.request<get_audit_page>("page").after == 0);
  restarted.done_with("page", audit_page{{}, 30, true});
  const auto page = restarted.request<get_audit_page>("page");
  CHECK(page.after == 30);
  CHECK(page.last == 50);
  CHECK(page.since == start_of_time() - 24h);
}

TEST_CASE("the provider's list shows payments that we do not know; without credentials it is said that it was not seen") {
  auto blind = at(status::claiming);
  CHECK(blind.state.unseen.find("NOWPayments") != std::string::npos);
  auto m = at(status::listing);
  provider_payment p;
  p.payment_id = "77", p.order_id = "else", p.status = provider_status::finished, p.outcome_currency = "eth", p.outcome_amount = 5,
  p.payout_hash = "0xee";
  auto open = p;
  open.payment_id = "78", open.status = provider_status::waiting;
  m.done_with("list", payments_page{{p, open}, true});
  CHECK(m.request<get_unknown_payments>("known") == get_unknown_payments{{"77"}});
  m.done_with("known", unknown_payments{{"77"}});
  CHECK(found(m).kind == exception_kind::unknown_payment);
  CHECK(m.rows<movement_claimed>().size() == 1); // Its ETH is no second exception.
  CHECK(m.request<list_payments>("list").page == 1);
  CHECK(m.request<list_payments>("list").since == *m.state.started_at - 48h); // What the last round saw unfinished is seen again.
  m.done_with("list", payments_page{{}, false});
  CHECK(m.state.status == status::claiming);
  CHECK(m.rows<movements_matched>().at(0).cut == 50);
}

TEST_CASE("what came in and nobody can name is asked for at the providers") {
  const unclaimed_seen open{{"0x1", "0x2"}, {"5"}, {{"s1", "conversion/c1"}}};
  auto m = at(status::judging, {}, open);
  CHECK(m.state.status == status::claiming);
  CHECK(m.due_words() == "claim claim");
  provider_payment p;
  p.payment_id = "5", p.status = provider_status::finished, p.payout_hash = "0x1";
  m.done_with("claim:1:5", p);
  REQUIRE(m.rows<movement_claimed>().size() == 1);
  CHECK(m.rows<movement_claimed>()[0].subject == "deposit/5");
  swap_state s;
  s.swap_id = "s1", s.status = swap_status::refunded, s.refund_hash = "0x2";
  m.done_with("claim", s);
  CHECK(m.rows<movement_claimed>().at(0).hash == "0x2");
  CHECK(m.rows<movements_matched>().size() == 1); // What got its name meanwhile is no stranger.
  CHECK(m.state.status == status::judging);
  CHECK(m.state.sending == 0);
  auto sends = at(status::judging, {}, {{"0x1"}, {"5"}, {}});
  p.payout_hash.clear(), p.status = provider_status::sending;
  sends.done_with("claim", p);
  CHECK(sends.state.sending == 1);
  CHECK(at(status::judging, {}, {{}, {"5"}, {}}).state.status == status::judging); // Nothing is unnamed: nobody is asked.
}

TEST_CASE("a movement that the books do not hold is under way, foreign, or made by hand") {
  struct row {
    unbooked item;
    std::string kinds;
    std::string words;
  };
  const auto now = start_of_time();
  for (const auto& r : {
           row{{"0x1", "transfer/payout/p/1", units("-0.1"), 0, units("0.001"), 104, now, "0xto", {}}, "", ""},
           row{{"0x1", "deposit/5", units("0.02"), 0, 0, 104, now, "0xfrom", units("0.02")}, "", ""},
           row{{"0x1", "deposit/5", units("0.01"), 0, 0, 104, now, "0xfrom", units("0.02")}, "wrong_provider_amount", "0.01 ETH"},
           row{{"0x1", "", units("0.5"), 0, 0, 104, now, "0xfrom", {}}, "foreign_deposit", "0.5 ETH came from 0xfrom"},
           row{{"0x1", "", 0, units("2.5"), 0, 104, now, "0xfrom", {}}, "foreign_deposit", "2.5 USDT came from 0xfrom"},
           row{{"0x1", "", units("-0.3"), 0, units("0.002"), 104, now, "0xto", {}},
               "manual_transfer",
               "sent 0.3 ETH from the wallet to 0xto and paid 0.002 ETH of gas"},
           row{{"0x1", "", 0, units("-4"), units("0.002"), 104, now, "0xto", {}}, "manual_transfer", "sent 4 USDT"},
           row{{"0x1", "", 0, 0, units("0.002"), 104, now, "0xto", {}}, "manual_transfer", "sent 0 ETH"},
       }) {
    auto m = at(status::judging);
    const auto& i = r.item;
    // The balances are those that the movement made, so that nothing but the movement itself is to be said.
    m.state.chain_eth = eth_amount::of_units(m.state.ledger_eth.units() + i.eth - i.gas);
    m.state.chain_usdt = usdt_amount::of_units(m.state.ledger_usdt.units() + i.usdt);
    m.done_with("judge", unbooked_page{{i}, false, 0, 0});
    CHECK(kinds_of(m) == r.kinds);
    if (!r.kinds.empty()) CHECK(found(m).explanation.find(r.words) != std::string::npos);
    CHECK(m.rows<round_closed>().size() == 1);
    CHECK(m.state.status == status::idle);
    CHECK(m.state.audited == 50);
  }
}

TEST_CASE("what the provider sends at this moment is no foreign deposit yet, but not for ever") {
  unbooked item{"0x1", "", units("0.5"), 0, 0, 104, start_of_time(), "0xfrom", {}};
  for (const bool old : {false, true}) {
    auto m = at(status::judging);
    m.state.sending = 1;
    m.state.chain_eth = eth("1.5");
    if (old) item.at = start_of_time() - 2h;
    m.done_with("judge", unbooked_page{{item}, false, 0, 0});
    CHECK(kinds_of(m) == (old ? "foreign_deposit" : ""));
    CHECK((m.state.unseen.find("0x1") != std::string::npos) == !old);
  }
}

TEST_CASE("rounds begin by themselves, an interval after the last one, or never") {
  auto m = idle();
  m.rules.reconciliation_interval = 24h;
  const auto first = m.find("next:0");
  CHECK(first.not_before == start_of_time() + 24h); // What was before it opened is not compared.
  m.now += 24h;
  CHECK(m.due_words() == "next");
  m.done_with("next:0", no_way("unreachable"));
  CHECK(m.due_words() == "next"); // It is tried until the chain can be read.
  m.done_with("next:0", chain_state{200, 200, m.now, 0, 0});
  CHECK(m.state.status == status::cutting);
  CHECK(m.due_words(true) == "cut");
  m.send(effect_done{first.key, io_outcome(chain_state{200, 200, m.now, 0, 0})}); // A repeat.
  CHECK(m.state.round == 1);
  CHECK_FALSE(m.state.again);

  auto ended = at(status::judging);
  ended.now += 3h;
  ended.done_with("judge", unbooked_page{});
  CHECK(ended.find("next:1").not_before == start_of_time() + 27h);
  ended.send(effect_done{first.key, io_outcome(chain_state{200, 200, ended.now, 0, 0})}); // Of the round before.
  CHECK(ended.state.status == status::idle);
  ended.rules.reconciliation_interval = 0ms;
  CHECK(ended.due_words(true) == "");
}

TEST_CASE("pages of movements add up, and what is left of the balances is an exception of its own") {
  auto m = at(status::judging);
  m.state.chain_eth = eth("1.75");
  const unbooked item{"0x1", "deposit/5", units("0.5"), 0, 0, 104, start_of_time(), "0xfrom", {}};
  m.done_with("judge", unbooked_page{{item}, true, 0, 0});
  CHECK(m.state.explained_eth == eth("0.5"));
  CHECK(m.request<get_unbooked>("judge") == get_unbooked{"0x1", 50});
  m.done_with("judge", unbooked_page{{}, false, units("0.05"), 0});
  const auto e = found(m);
  CHECK(e.kind == exception_kind::wallet_balance);
  CHECK(e.subject == "wallet/eth");
  CHECK(e.actual == units("0.2"));
  CHECK(e.expected == 0);
  auto usdt_less = at(status::judging);
  usdt_less.state.chain_usdt = usdt("9.5");
  usdt_less.done_with("judge", unbooked_page{});
  CHECK(found(usdt_less).actual == units("-0.5"));
  auto clean = at(status::judging);
  clean.send(run_reconciliation{});
  clean.done_with("judge", unbooked_page{});
  CHECK(kinds_of(clean) == "");
  CHECK(clean.state.status == status::cutting); // Asked for meanwhile.
  CHECK(clean.state.round == 2);
}

TEST_CASE("an exception is resolved by the wallet's corrections, each once, or without any") {
  auto m = idle();
  CHECK(code_of(m.send(resolve_exception{7, "float", "", ""})) == "invalid");
  CHECK(code_of(m.send(resolve_exception{7, "owner:1:available", "x", ""})) == "invalid");
  m.send(resolve_exception{7, "loss", "it was me", ""});
  CHECK(code_of(m.send(resolve_exception{8, "loss", "x", ""})) == "busy");
  CHECK(m.request<get_exception>("exception").id == 7);
  auto gone = m, closed = m, blind = m;
  gone.done_with("exception", no_way("not_found"));
  CHECK(gone.state.resolve_note.find("there is no exception 7") == 0);
  closed.done_with("exception", exception_seen{7, false, "", 1, 0, 0});
  CHECK(closed.state.resolve_id == 0);
  blind.done_with("exception", exception_seen{7, true, "missing_payout payout/p", 0, 0, 0});
  CHECK(blind.state.resolve_note.find("only be resolved as explained") != std::string::npos);
  CHECK(blind.rows<exception_resolved>().empty());

  m.done_with("exception", exception_seen{7, true, "manual_transfer 0x1", units("-0.3"), 0, units("0.002")});
  CHECK(m.due_words() == "book book");
  const auto correction = std::get<book_correction>(std::get<wallet_message>(m.question("book:exception/7/eth").message));
  CHECK(correction.units == units("-0.3"));
  CHECK(correction.counter_account == accounts::loss);
  const auto gas = std::get<book_correction>(std::get<wallet_message>(m.question("book:exception/7/gas").message));
  CHECK(gas.units == units("-0.002"));
  CHECK(gas.counter_account == accounts::gas);
  auto no = m;
  no.answered("book:exception/7/eth", refused{refusal::conflict, "known"});
  CHECK(no.rows<exception_resolved>().empty());
  CHECK(no.state.resolve_id == 0);
  m.answered("book:exception/7/eth", ok{});
  CHECK(m.rows<exception_resolved>().empty()); // Half booked is not resolved.
  m.answered("book:exception/7/gas", ok{});
  REQUIRE(m.rows<exception_resolved>().size() == 1);
  CHECK(m.rows<exception_resolved>()[0].correction == "wallet/0xabc/correction/exception/7/gas");
  CHECK(m.state.resolve_id == 0);

  auto words = idle();
  words.send(resolve_exception{7, "explained", "a known thing", "me"});
  words.done_with("exception", exception_seen{7, true, "x", units("1"), 0, 0});
  CHECK(words.rows<exception_resolved>().at(0).correction == "");
  // No cut of the ledger falls between the parts of a correction.
  auto between = idle();
  between.send(resolve_exception{7, "loss", "x", ""});
  between.send(run_reconciliation{});
  CHECK_FALSE(between.owes("cut"));
  CHECK(code_of(at(status::cutting).send(resolve_exception{7, "loss", "x", ""})) == "busy");
}
