#include "actors/reconciliation/reconciliation_machine.hpp"

#include <algorithm>

namespace paygate {

namespace {

using namespace std::chrono_literals;
using namespace reconciling;
using status = reconciliation_status;

constexpr std::size_t reason_max = 240; // Twice that is what the wallet keeps.

std::string words(const io_failure& f) { return f.text.empty() ? f.code : f.text; }

std::uint64_t depth(const policy& rules) { return std::max<std::uint64_t>(rules.confirmations, 1); }

/// One message being handled.
class step {
public:
  step(const reconciliation& before, const step_context& context) : before_(before), context_(context) { out_.next = before; }

  verdict<reconciliation> on(const start_reconciliation&, bool exists) {
    if (context_.self.id != "main") return refused{refusal::invalid, "there is one reconciliation, \"main\""};
    return finish(!exists);
  }

  verdict<reconciliation> on(const run_reconciliation&) {
    auto& s = out_.next;
    // The ledger of the round under way was read, or is being read, before this question came.
    if (s.status == status::idle)
      begin();
    else
      s.again = true;
    out_.reply = round_view{s.again ? s.round + 1 : s.round};
    return finish();
  }

  verdict<reconciliation> on(const resolve_exception& m) {
    auto& s = out_.next;
    if (m.id <= 0 || m.reason.empty()) return refused{refusal::invalid, "an exception's id and a reason are needed"};
    if (m.as != "explained" && counter_account(m.as).empty())
      return refused{refusal::invalid, "it is resolved as float, gas, loss, unattributed or explained, not as \"" + m.as + "\""};
    if (s.resolve_id != 0) return refused{refusal::busy, "exception " + std::to_string(s.resolve_id) + " is being resolved"};
    // No cut of the ledger may fall between the parts of a correction.
    if (s.status == status::cutting) return refused{refusal::busy, "the ledger is being read"};
    s.resolve_id = m.id;
    s.resolve_as = m.as;
    s.resolve_reason = m.reason.substr(0, reason_max);
    s.resolve_by = m.by.empty() ? "paygatectl" : m.by;
    s.resolve_note.clear();
    return finish();
  }

  verdict<reconciliation> on(const effect_done& m) {
    const auto& s = before_;
    const auto* io = std::get_if<io_outcome>(&m.outcome);
    if (s.resolve_id != 0 && on_resolving(m)) return finish();
    if (!io) return finish();
    switch (s.status) {
    case status::opening:
      if (m.key == keys::open) on_opened(*io);
      break;
    case status::idle:
      if (m.key == keys::next(s) && std::get_if<chain_state>(io)) begin();
      break;
    case status::cutting:
      if (m.key == keys::of("cut", s)) on_cut(*io);
      break;
    case status::anchoring:
      if (m.key == keys::anchor(s)) on_anchor(*io);
      break;
    case status::scanning:
      if (m.key == keys::scan(s)) on_scan(*io);
      break;
    case status::auditing: on_audit(m.key, *io); break;
    case status::listing: on_list(m.key, *io); break;
    case status::claiming: on_claim(m.key, *io); break;
    case status::judging:
      if (m.key == keys::judge(s)) on_judge(*io);
      break;
    }
    return finish();
  }

private:
  // --- the beginning ---

  void on_opened(const io_outcome& outcome) {
    const auto* seen = std::get_if<chain_state>(&outcome);
    if (!seen) return;
    auto& s = out_.next;
    s.base_block = s.scanned_block = static_cast<std::int64_t>(seen->head);
    s.status = status::idle;
    s.finished_at = context_.now; // As if a round had ended: there is nothing yet to compare.
    out_.note = "the chain is looked at from block " + std::to_string(seen->head) + " on";
    if (s.again) begin();
  }

  void begin() {
    auto& s = out_.next;
    s.status = status::cutting;
    s.again = false;
    ++s.round;
    s.started_at = context_.now;
    s.finished_at.reset();
    s.unseen.clear();
    s.hand.reset();
    s.anchor_block = s.sending = s.list_page = s.audit_cursor = 0;
    s.judge_cursor.clear();
    s.explained_eth = {};
    s.explained_usdt = {};
    if (context_.rules.usdt_contract.empty()) unseen("USDT: ethereum.usdt_contract is not set");
  }

  void on_cut(const io_outcome& outcome) {
    const auto* cut = std::get_if<books_cut>(&outcome);
    if (!cut) return;
    auto& s = out_.next;
    s.status = status::anchoring;
    s.cut = cut->entry;
    s.ledger_eth = cut->eth;
    s.ledger_usdt = cut->usdt;
    s.mined_block = cut->mined;
  }

  void on_anchor(const io_outcome& outcome) {
    const auto* seen = std::get_if<chain_state>(&outcome);
    if (!seen) return;
    auto& s = out_.next;
    const auto head = static_cast<std::int64_t>(seen->head);
    if (s.anchor_block == 0) {
      // Chosen after the cut, so that it holds whatever the cut rests on; a node that is behind is asked again.
      if (head >= std::max(s.mined_block, s.scanned_block)) s.anchor_block = head;
      return;
    }
    if (static_cast<std::int64_t>(seen->block) != s.anchor_block
        || head < s.anchor_block + static_cast<std::int64_t>(depth(context_.rules)) - 1)
      return;
    s.anchor_at = seen->at;
    s.chain_eth = eth_amount::of_units(seen->eth);
    s.chain_usdt = usdt_amount::of_units(seen->usdt);
    s.scan_from = std::max(s.base_block, s.scanned_block - static_cast<std::int64_t>(scan_overlap)) + 1;
    s.status = status::scanning;
    if (s.scan_from > s.anchor_block) scanned();
  }

  void on_scan(const io_outcome& outcome) {
    const auto* page = std::get_if<wallet_history>(&outcome);
    if (!page) return;
    auto& s = out_.next;
    const auto last = scan_last(before_);
    out_.rows.push_back(movements_seen{static_cast<std::uint64_t>(s.scan_from), last, page->movements});
    s.scan_from = static_cast<std::int64_t>(last) + 1;
    s.scanned_block = std::max(s.scanned_block, static_cast<std::int64_t>(last));
    if (s.scan_from > s.anchor_block) scanned();
  }

  void scanned() { out_.next.status = status::auditing; }

  // --- what became final, looked up where it happened ---

  std::shared_ptr<reconciliation_hand> hand() const {
    return before_.hand ? std::make_shared<reconciliation_hand>(*before_.hand) : std::make_shared<reconciliation_hand>();
  }

  void on_audit(const std::string& key, const io_outcome& outcome) {
    auto& s = out_.next;
    if (!s.hand) {
      const auto* page = std::get_if<audit_page>(&outcome);
      if (!page || key != keys::page(s) || page->items.size() > items_max) return;
      auto h = hand();
      h->entry = page->next;
      h->more = page->more;
      h->items = page->items;
      return put_audit(std::move(h));
    }
    auto h = hand();
    if (key == keys::hashes(before_)) {
      if (!take_receipts(*h, outcome)) return;
    } else {
      const auto at = std::find_if(h->items.begin(), h->items.end(), [&](const audit_item& i) { return key == keys::item(before_, i); });
      if (at == h->items.end()) return;
      raise(at->what == audited::deposit ? judge_payment(*at, outcome) : judge_swap(*at, outcome));
      h->items.erase(at);
    }
    put_audit(std::move(h));
  }

  /// False when the answer says nothing.
  bool take_receipts(reconciliation_hand& h, const io_outcome& outcome) {
    const auto* read = std::get_if<receipts_read>(&outcome);
    if (!read || static_cast<std::int64_t>(read->head) < before_.anchor_block) return false; // This node is behind.
    const auto found = [&](const audit_item& item) -> const receipt* {
      for (const auto& r : read->receipts)
        if (r.hash == item.hash) return &r;
      return nullptr;
    };
    const auto by_receipt = [](const audit_item& item) { return item.what == audited::transfer || item.what == audited::paid_out; };
    const bool all = std::none_of(h.items.begin(), h.items.end(), [&](const auto& item) { return by_receipt(item) && !found(item); });
    if (!all && ++h.doubts < doubts_max) return true;
    for (const auto& item : h.items)
      if (by_receipt(item)) raise(judge_receipt(item, found(item)));
    std::erase_if(h.items, by_receipt);
    return true;
  }

  void put_audit(std::shared_ptr<reconciliation_hand> h) {
    auto& s = out_.next;
    if (!h->items.empty()) {
      s.hand = std::move(h);
      return;
    }
    s.hand.reset();
    s.audit_cursor = h->entry;
    if (!h->more) s.status = status::listing;
  }

  // --- the provider's own list ---

  void on_list(const std::string& key, const io_outcome& outcome) {
    auto& s = out_.next;
    if (!s.hand) {
      if (key != keys::list(s)) return;
      if (const auto* f = std::get_if<io_failure>(&outcome)) {
        unseen("payments at NOWPayments that we do not know: " + words(*f));
        return listed();
      }
      const auto* page = std::get_if<payments_page>(&outcome);
      if (!page || page->payments.size() > items_max) return;
      auto h = hand();
      h->more = page->more;
      for (const auto& p : page->payments)
        if (p.status == provider_status::finished || p.status == provider_status::partially_paid) h->listed.push_back(p);
      if (h->listed.empty()) return next_list_page(h->more);
      s.hand = std::move(h);
      return;
    }
    const auto* unknown = std::get_if<unknown_payments>(&outcome);
    if (key != keys::known(s) || !unknown) return;
    for (const auto& p : s.hand->listed)
      if (std::find(unknown->ids.begin(), unknown->ids.end(), p.payment_id) != unknown->ids.end()) {
        raise(unknown_at_provider(p));
        if (!p.payout_hash.empty()) out_.rows.push_back(movement_claimed{p.payout_hash, "nowpayments/" + p.payment_id});
      }
    next_list_page(s.hand->more);
  }

  void next_list_page(bool more) {
    auto& s = out_.next;
    s.hand.reset();
    ++s.list_page;
    if (!more) listed();
  }

  void listed() {
    auto& s = out_.next;
    s.status = status::claiming;
    s.hand.reset();
    unseen("swaps at ChangeNOW that we do not know: its list of exchanges is not read, swaps are looked up by their ids");
    out_.rows.push_back(movements_matched{s.cut});
  }

  // --- what came in and is nobody's yet ---

  void on_claim(const std::string& key, const io_outcome& outcome) {
    auto& s = out_.next;
    if (!s.hand) {
      const auto* seen = std::get_if<unclaimed_seen>(&outcome);
      if (!seen || key != keys::of("claims", s)) return;
      auto h = hand();
      h->unclaimed = *seen;
      return put_claims(std::move(h));
    }
    auto h = hand();
    auto& open = *h->unclaimed;
    const auto named = [&](const std::string& hash, const std::string& subject) {
      for (const auto& waiting : open.hashes)
        if (!hash.empty() && waiting == hash) out_.rows.push_back(movement_claimed{hash, subject});
    };
    const auto payment =
        std::find_if(open.payments.begin(), open.payments.end(), [&](const auto& id) { return key == keys::claim(s, id); });
    const auto swap = std::find_if(open.swaps.begin(), open.swaps.end(), [&](const auto& w) { return key == keys::claim(s, w.second); });
    if (payment != open.payments.end()) {
      if (const auto* p = std::get_if<provider_payment>(&outcome)) {
        named(p->payout_hash, "deposit/" + *payment);
        const bool sends =
            p->status == provider_status::confirmed || p->status == provider_status::sending || p->status == provider_status::finished;
        if (p->payout_hash.empty() && sends) ++s.sending;
      }
      open.payments.erase(payment);
    } else if (swap != open.swaps.end()) {
      if (const auto* w = std::get_if<swap_state>(&outcome)) {
        named(w->payout_hash, swap->second);
        named(w->refund_hash, swap->second);
        if (w->payout_hash.empty() && w->refund_hash.empty() && w->status == swap_status::sending) ++s.sending;
      }
      open.swaps.erase(swap);
    } else
      return;
    put_claims(std::move(h));
  }

  void put_claims(std::shared_ptr<reconciliation_hand> h) {
    auto& s = out_.next;
    const auto& open = *h->unclaimed;
    const bool ask = !open.hashes.empty() && (!open.payments.empty() || !open.swaps.empty());
    if (ask) {
      s.hand = std::move(h);
      return;
    }
    s.hand.reset();
    s.status = status::judging;
    // Once more: what was nameless at the first look, and could be named before the providers were to be asked, was not asked about.
    out_.rows.push_back(movements_matched{s.cut});
  }

  // --- the end ---

  void on_judge(const io_outcome& outcome) {
    const auto* page = std::get_if<unbooked_page>(&outcome);
    if (!page || (page->items.empty() && page->more)) return;
    auto& s = out_.next;
    for (const auto& item : page->items) {
      s.explained_eth = eth_amount::of_units(checked_sub(checked_add(s.explained_eth.units(), item.eth), item.gas));
      s.explained_usdt = usdt_amount::of_units(checked_add(s.explained_usdt.units(), item.usdt));
      auto found = judge_movement(item);
      const bool fresh = s.anchor_at && *s.anchor_at - item.at < sending_patience;
      if (found && found->kind == exception_kind::foreign_deposit && s.sending > 0 && fresh)
        unseen("transaction " + item.hash + ": a provider is sending something at this moment, this may be it");
      else
        raise(std::move(found));
    }
    if (page->more) {
      s.judge_cursor = page->items.back().hash;
      return;
    }
    s.explained_eth = eth_amount::of_units(checked_add(s.explained_eth.units(), page->other_eth));
    s.explained_usdt = usdt_amount::of_units(checked_add(s.explained_usdt.units(), page->other_usdt));
    const auto block = static_cast<std::uint64_t>(s.anchor_block);
    raise(judge_balance("eth", s.chain_eth.units(), s.ledger_eth.units(), s.explained_eth.units(), block));
    if (!context_.rules.usdt_contract.empty())
      raise(judge_balance("usdt", s.chain_usdt.units(), s.ledger_usdt.units(), s.explained_usdt.units(), block));
    out_.rows.push_back(round_closed{s.round});
    s.status = status::idle;
    s.finished_at = context_.now;
    s.audited = s.cut;
    out_.note = "round " + std::to_string(s.round) + " compared block " + std::to_string(s.anchor_block) + " with the ledger";
    if (s.again) begin();
  }

  // --- resolving, beside the rounds ---

  bool on_resolving(const effect_done& m) {
    const auto& s = before_;
    if (!s.resolve_booking && m.key == keys::exception(s)) {
      if (const auto* io = std::get_if<io_outcome>(&m.outcome)) on_exception(*io);
      return true;
    }
    if (!s.resolve_booking) return false;
    auto& next = out_.next;
    const auto* reply = std::get_if<entity_reply>(&m.outcome);
    const auto booked = [&](const char* part, auto& amount) {
      if (amount.is_zero() || m.key != keys::book(s, part) || !reply) return false;
      if (const auto* no = std::get_if<refused>(reply))
        next.resolve_note = "the wallet refuses: " + no->text, end_resolving();
      else if (std::holds_alternative<ok>(*reply))
        amount = {};
      return true;
    };
    if (!booked("eth", next.resolve_eth) && !booked("usdt", next.resolve_usdt) && !booked("gas", next.resolve_gas)) return false;
    if (next.resolve_booking && next.resolve_eth.is_zero() && next.resolve_usdt.is_zero() && next.resolve_gas.is_zero())
      resolved("wallet/" + context_.rules.wallet_address + "/correction/" + m.key.substr(std::string("book:").size()));
    return true;
  }

  void on_exception(const io_outcome& outcome) {
    auto& s = out_.next;
    const auto name = "exception " + std::to_string(s.resolve_id);
    const auto give_up = [&](const std::string& why) { s.resolve_note = why, end_resolving(); };
    if (const auto* f = std::get_if<io_failure>(&outcome)) return give_up("there is no " + name + " (" + words(*f) + ")");
    const auto* e = std::get_if<exception_seen>(&outcome);
    if (!e || e->id != s.resolve_id) return;
    if (!e->open) return give_up(name + " is resolved already");
    if (s.resolve_as == "explained") return resolved("");
    if (e->eth == 0 && e->usdt == 0 && e->gas == 0)
      return give_up(name + " does not touch the wallet's balance: it can only be resolved as explained");
    if (s.resolve_as == "gas" && (e->usdt != 0 || e->eth > 0)) return give_up(name + " is no gas: only ETH that left the wallet can be");
    s.resolve_booking = true;
    s.resolve_eth = eth_amount::of_units(e->eth);
    s.resolve_usdt = usdt_amount::of_units(e->usdt);
    s.resolve_gas = eth_amount::of_units(e->gas);
    s.resolve_reason += " (" + e->text.substr(0, reason_max) + ")";
  }

  void resolved(const std::string& correction) {
    auto& s = out_.next;
    out_.rows.push_back(exception_resolved{s.resolve_id, s.resolve_as, s.resolve_reason, s.resolve_by, correction});
    s.resolve_note = "exception " + std::to_string(s.resolve_id) + " is resolved as " + s.resolve_as;
    end_resolving();
  }

  void end_resolving() {
    auto& s = out_.next;
    s.resolve_id = 0;
    s.resolve_booking = false;
    s.resolve_eth = s.resolve_gas = {};
    s.resolve_usdt = {};
    out_.note = s.resolve_note;
  }

  // --- small things ---

  void raise(std::optional<exception_found> found) {
    if (!found) return;
    found->round = out_.next.round;
    out_.note = std::string(to_text(found->kind)) + ": " + found->subject;
    out_.rows.emplace_back(std::move(*found));
  }

  void unseen(const std::string& what) {
    auto& text = out_.next.unseen;
    if (text.size() < 4'000) text += (text.empty() ? "" : "\n") + what;
  }

  verdict<reconciliation> finish(bool fresh = false) {
    out_.changed = fresh || !(out_.next == before_);
    return std::move(out_);
  }

  const reconciliation& before_;
  const step_context& context_;
  decision<reconciliation> out_;
};

} // namespace

verdict<reconciliation> reconciliation_kind::apply(const reconciliation& state, bool exists, const reconciliation_message& message,
                                                   const step_context& context) {
  step s(state, context);
  if (const auto* m = std::get_if<start_reconciliation>(&message)) return s.on(*m, exists);
  if (!exists) return refused{refusal::not_found, "reconciliation was never started"};
  if (const auto* m = std::get_if<run_reconciliation>(&message)) return s.on(*m);
  if (const auto* m = std::get_if<resolve_exception>(&message)) return s.on(*m);
  return s.on(std::get<effect_done>(message));
}

} // namespace paygate
