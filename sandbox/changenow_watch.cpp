#include <algorithm>

#include "sandbox/changenow.hpp"

namespace sandbox {

namespace chr = std::chrono;

bool changenow::on_chain(const coin& which) const {
  return chain_ != nullptr && (which.form == chain_form::ether || (which.form == chain_form::token && !core_.set.usdt_token.empty())
                               || (which.network == "eth" && core_.set.tokens.contains(which.ticker)));
}

void changenow::move(cn_swap& swap, const std::string& status) {
  swap.status = status;
  swap.updated = core_.now();
  swap.stage = chr::steady_clock::now();
}

void changenow::tick() {
  look_at_chain();
  std::vector<errand> errands;
  {
    const std::lock_guard lock(core_.mutex);
    std::erase_if(rates_, [&](const auto& entry) { return entry.second.valid_until + chr::hours(1) < core_.now(); });
    for (auto& [id, swap] : swaps_)
      if (auto due = advance(swap)) errands.push_back(std::move(*due));
  }
  for (const auto& what : errands) run(what);
}

void changenow::look_at_chain() {
  constexpr std::uint64_t blocks_max = 100; // In one look, so that the swaps get their turn.
  if (chain_ == nullptr) return;
  const auto top = chain_->height();
  if (!top) return;
  // A first look starts here; after a rewind (evm_revert) the blocks are other ones.
  if (!seen_ || *seen_ > *top) {
    const std::lock_guard lock(core_.mutex);
    seen_ = *top;
  }
  const auto last = std::min(*top, *seen_ + blocks_max);
  for (auto block = *seen_ + 1; block <= last; ++block) {
    const auto ether = chain_->ether_in(block);
    if (!ether) return;
    std::vector<chain_transfer> tokens;
    if (!core_.set.usdt_token.empty()) {
      auto found = chain_->tokens_in(core_.set.usdt_token, block, block);
      if (!found) return;
      tokens = std::move(*found);
    }
    std::vector<chain_transfer> ours;
    {
      const std::lock_guard lock(core_.mutex);
      for (const auto& sent : *ether)
        if (addresses_.contains(sent.to)) ours.push_back(sent);
    }
    for (auto sent = ours.begin(); sent != ours.end();) {
      const auto good = chain_->succeeded(sent->hash);
      if (!good) return; // No answer: this block again at the next look.
      sent = *good ? sent + 1 : ours.erase(sent);
    }
    const std::lock_guard lock(core_.mutex);
    for (const auto& sent : ours) take(sent, 18, chain_form::ether);
    for (const auto& sent : tokens) take(sent, 6, chain_form::token);
    seen_ = block;
  }
}

void changenow::take(const chain_transfer& sent, int places, chain_form form) {
  const auto address = addresses_.find(sent.to);
  if (address == addresses_.end()) return;
  cn_swap& swap = swaps_.at(address->second);
  for (const auto& known : swap.deposits)
    if (known.sent.hash == sent.hash) return;
  swap.deposits.push_back({sent, from_units(sent.units, places)});
  core_.count("changenow.deposits");
  if (swap.deposits.size() > 1) {
    swap.note = "a further deposit came; it waits for the support";
    return;
  }
  swap.payin_hash = sent.hash;
  swap.amount_from = swap.deposits.front().amount;
  swap.deposit_received = core_.now();
  if (form != swap.from->form) {
    swap.note = "the deposit is of another coin";
    return move(swap, "failed");
  }
  if (swap.status == "expired" || (swap.status != "new" && swap.status != "waiting")) {
    swap.note = "the deposit came late";
    return move(swap, "failed");
  }
  if (core_.now() > swap.valid_until) {
    swap.note = "the deposit came after validUntil";
    return move(swap, "failed");
  }
  if (fates_.empty()) return move(swap, "confirming");
  const auto fate = fates_.front();
  fates_.erase(fates_.begin());
  if (fate == "refunded") swap.note = "refund asked for by /control"; // The transfer comes first; then it says refunded.
  move(swap, fate == "refunded" ? "failed" : fate);
}

std::optional<changenow::errand> changenow::start_refund(cn_swap& swap) {
  if (swap.deposits.empty() || swap.refund_address.empty() || !on_chain(*swap.from) || swap.note.empty()) return std::nullopt;
  const decimal fee = cut(decimal("0.05") / core_.prices.usd(swap.from->priced_as), swap.from->places);
  const decimal back = swap.deposits.front().amount - fee;
  if (back <= 0) return std::nullopt;
  swap.paying = true;
  return errand{swap.id, swap.from, swap.refund_address, back, true};
}

std::optional<changenow::errand> changenow::advance(cn_swap& swap) {
  if (swap.paying) return std::nullopt;
  const auto age = chr::steady_clock::now() - swap.stage;
  const auto stage = chr::milliseconds(core_.set.stage_ms);
  if (swap.status == "new" && age >= stage / 6) move(swap, "waiting");
  if (swap.status == "waiting" && swap.deposits.empty() && core_.now() > swap.valid_until) move(swap, "expired");
  if (age < stage) return std::nullopt;
  if (swap.status == "confirming" && !swap.deposits.empty()) {
    const auto& first = swap.deposits.front();
    if (first.amount < swap.expected_from) {
      if (swap.flow == "fixed-rate") {
        swap.note = "less was deposited than expected";
        move(swap, "failed");
        return std::nullopt;
      }
      swap.expected_to = cut(swap.expected_to * first.amount / swap.expected_from, swap.to->places);
    }
    move(swap, "exchanging");
  } else if (swap.status == "exchanging" && !swap.deposits.empty()) {
    move(swap, "sending");
    if (on_chain(*swap.to)) {
      swap.paying = true;
      return errand{swap.id, swap.to, swap.payout_address, swap.expected_to, false};
    }
  } else if (swap.status == "sending" && !swap.deposits.empty()) {
    if (on_chain(*swap.to) && swap.payout_hash.empty()) {
      swap.paying = true;
      return errand{swap.id, swap.to, swap.payout_address, swap.expected_to, false};
    }
    if (swap.payout_hash.empty()) swap.payout_hash = made_up_hash(*swap.to);
    swap.amount_to = swap.expected_to;
    move(swap, "finished");
  } else if (swap.status == "failed" && swap.refund_hash.empty()) {
    return start_refund(swap);
  }
  return std::nullopt;
}

void changenow::run(const errand& what) {
  // The last but one account: the other one belongs to the payers of NOWPayments.
  const auto ether_from = chain_->account_from_end(1);
  const bool token = what.what->form == chain_form::token;
  const auto& treasury = core_.set.usdt_treasury.empty() ? ether_from : core_.set.usdt_treasury;
  const auto other = core_.set.tokens.find(what.what->ticker);
  const auto sent = token                             ? chain_->pay_token(core_.set.usdt_token, treasury, what.to, units_of(what.amount, 6))
                    : other != core_.set.tokens.end() ? chain_->pay_token(other->second, treasury, what.to, units_of(what.amount, 18))
                          : chain_->pay_ether(ether_from, what.to, units_of(what.amount, 18));
  const std::lock_guard lock(core_.mutex);
  const auto found = swaps_.find(what.swap);
  if (found == swaps_.end()) return;
  cn_swap& swap = found->second;
  swap.paying = false;
  if (!sent.error.empty()) {
    // Surely not sent: once more at a later look. Otherwise a person has to look: never pay twice.
    swap.note = std::string(what.refund ? "refund: " : "payout: ") + sent.error;
    if (sent.unknown || !sent.hash.empty()) move(swap, "verifying");
    swap.stage = chr::steady_clock::now();
    return;
  }
  if (what.refund) {
    swap.refund_hash = sent.hash;
    swap.refund_amount = what.amount;
    move(swap, "refunded");
  } else {
    swap.payout_hash = sent.hash;
  }
}

std::string changenow::made_up_hash(const coin& of) {
  if (of.network == "sol") return core_.random_of("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", 88);
  if (of.network == "xrp") return core_.random_of("0123456789ABCDEF", 64);
  return (of.address_form.starts_with("0x") ? "0x" : "") + core_.random_hex(64);
}

} // namespace sandbox
