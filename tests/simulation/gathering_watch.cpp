#include "tests/simulation/gathering_watch.hpp"

#include <algorithm>

#include "messages/scheduler.hpp"

namespace paygate::sim {

namespace {

constexpr int128 token_unit = one_coin / 1'000'000;

/// "-100.usdt.12" or "c12": the words of an id that a scheduler made.
std::vector<std::string> words_of(const std::string& id) {
  std::vector<std::string> words{""};
  for (const char c : id) c == '.' ? void(words.emplace_back()) : void(words.back() += c);
  return words;
}

bool owns(const accrual_book::row& a, const entity_ref& ref) {
  return ref.kind == entity_kind::conversion ? a.conversion_id == ref.id : a.payout_id == ref.id;
}

} // namespace

void gathering_watch::before(const step_record& step, const loaded_entity* old) {
  if (const auto* s = std::get_if<scheduler>(&step.state)) {
    const auto* was = old ? std::get_if<scheduler>(&old->state) : nullptr;
    const bool goes_on = was && was->status == scheduler_status::creating && was->round != s->round;
    if (s->status == scheduler_status::creating && !goes_on)
      (step.ref.id == "conversions" ? conversion_rounds_ : payout_rounds_).insert(s->round);
  }
  if (!old) called_for(step);
  for (const auto& side : step.rows)
    if (const auto* t = std::get_if<wallet_transfer>(&side); t && !db_.transfers.count(t->intent)) pays_from_its_pot(step, *t);
}

/// Conversions and batches are created by a scheduler that decided so, one per round.
void gathering_watch::called_for(const step_record& step) {
  const auto* p = std::get_if<payout>(&step.state);
  const auto name = to_text(step.ref);
  std::string round;
  if (step.ref.kind == entity_kind::conversion) {
    const auto words = words_of(step.ref.id);
    round = words[0];
    w_.demand(conversion_rounds_.count(std::atoll(round.c_str() + 1)) != 0, name + ": a conversion was called for by its scheduler");
  } else if (p && p->order_id.empty()) {
    const auto words = words_of(step.ref.id);
    if (words.size() < 3) return w_.demand(false, name + ": a batch is named by channel, pot and round");
    round = words[0] + "." + words[1] + "." + words[2];
    w_.demand(payout_rounds_.count(std::atoll(words[2].c_str())) != 0, name + ": a batch was called for by its scheduler");
  } else
    return;
  w_.demand(created_.emplace(round, step.ref.id).second, name + ": a round creates a thing once");
}

/// Each pot pays its own: the unconverted accruals of an entity its ETH, the converted ones its USDT, and nothing twice unless it came
/// back.
void gathering_watch::pays_from_its_pot(const step_record&, const wallet_transfer& t) {
  const auto slash = t.intent.find('/');
  const auto kind = parse_enum<entity_kind>(t.intent.substr(0, slash));
  const auto id = t.intent.substr(slash + 1, t.intent.rfind('/') - slash - 1);
  if (!kind || (*kind != entity_kind::payout && *kind != entity_kind::conversion)) return;
  const bool token = !t.token.empty();
  int128 own = 0;
  if (const auto* p = db_.find<payout>(*kind == entity_kind::payout ? *kind : entity_kind::payout, id); p && p->refund)
    own = token ? 0 : p->source.units();
  for (const auto& [payment, a] : db_.accruals.rows) {
    if (!owns(a, {*kind, id})) continue;
    const bool converted = *kind == entity_kind::payout && !a.conversion_id.empty();
    if (converted == token) own += token ? a.net_usdt.units() : a.net_eth.units();
    w_.demand(a.arrived, t.intent + ": only what has arrived is spent");
  }
  int128 spent = token ? t.token_value.units() : t.value.units();
  for (const auto& [intent, other] : db_.transfers) {
    if (intent.substr(0, intent.rfind('/')) != t.intent.substr(0, t.intent.rfind('/'))) continue;
    // The second leg spends what the first one brought.
    if (!token && !other.row.token.empty())
      for (const auto& [swap_id, s] : swaps_.swaps)
        if (s.made.payin_address == other.row.to) own += coins_.brought(s.hash, false);
    if (other.row.token != t.token) continue;
    if (other.row.status == transfer_status::dropped || other.row.status == transfer_status::reverted) continue;
    spent += token ? other.row.token_value.units() : other.row.value.units();
    for (const auto& [swap_id, s] : swaps_.swaps)
      if (s.made.payin_address == other.row.to) spent -= coins_.brought("0xback" + swap_id, token);
  }
  w_.demand(spent <= own, t.intent + ": each pot pays its own: " + to_decimal(spent) + " of " + to_decimal(own));
}

void gathering_watch::after(const step_record& step) {
  if (const auto* c = std::get_if<conversion>(&step.state); c && step.writes_row && c->status == conversion_status::completed) {
    const auto came = coins_.brought(c->payout_hash, true);
    w_.demand(came == c->received.units(),
              to_text(step.ref) + ": what the chain shows was received: " + to_decimal(came) + ", not " + to_decimal(c->received));
  }
  bool any = false;
  for (const auto& side : step.rows)
    any = any || std::holds_alternative<accrual_opened>(side) || std::holds_alternative<accrual_closed>(side)
          || std::holds_alternative<claim_accruals>(side) || std::holds_alternative<conversion_closed>(side);
  for (const auto& side : step.rows)
    if (const auto* d = std::get_if<deposit>(&side); d && d->arrived_at) changed_at = w_.now;
  if (!any) return;
  changed_at = w_.now;
  for (const auto& [id, is] : db_.accruals.rows) {
    const auto was = known_.find(id);
    if (was == known_.end())
      moved(step, nullptr, is);
    else if (!(was->second == is))
      moved(step, &was->second, is);
  }
  known_ = db_.accruals.rows;
  for (const auto& side : step.rows) {
    if (std::holds_alternative<claim_accruals>(side)) claimed(step);
    if (const auto* end = std::get_if<conversion_closed>(&side); end && end->received.is_positive()) shared(step, end->received);
  }
}

/// An accrual is in one hand at a time, and only that hand passes it on.
void gathering_watch::moved(const step_record& step, const accrual_book::row* was, const accrual_book::row& is) {
  using enum accrual_status;
  const auto name = "accrual " + is.payment_id + " by " + to_text(step.ref);
  const bool by_payout = step.ref.kind == entity_kind::payout, by_conversion = step.ref.kind == entity_kind::conversion;
  if (!was)
    return w_.demand(is.status == pending ? is.payout_id.empty() : is.status == paying && !is.payout_id.empty(), name + " begins free");
  bool fair = false;
  const bool same_conversion = is.conversion_id == was->conversion_id;
  switch (was->status) {
  case pending:
    fair = by_conversion ? is.status == converting && is.conversion_id == step.ref.id
                         : by_payout && is.status == paying && is.payout_id == step.ref.id && same_conversion;
    break;
  case converting:
    fair = by_conversion && was->conversion_id == step.ref.id
           && (is.status == converted ? same_conversion : is.status == pending && is.conversion_id.empty());
    break;
  case converted: fair = by_payout && is.status == paying && is.payout_id == step.ref.id && same_conversion; break;
  case paying:
    fair = by_payout && was->payout_id == step.ref.id && same_conversion
           && (is.status == paid || is.status == (was->conversion_id.empty() ? pending : converted));
    // Its USDT was sold again for ETH that then could not be sent on.
    if (by_payout && was->payout_id == step.ref.id && is.status == pending && is.conversion_id.empty() && is.net_usdt.is_zero())
      fair = true;
    break;
  case paid: break;
  }
  if (was->status != converting) fair = fair && is.net_usdt <= was->net_usdt;
  const bool resold = was->status == paying && !was->conversion_id.empty() && is.status == pending;
  fair = fair && (is.net_eth <= was->net_eth || resold);
  w_.demand(fair, name + " is in one claim at a time: " + std::string(to_text(was->status)) + " to " + std::string(to_text(is.status)));
}

void gathering_watch::claimed(const step_record& step) {
  const auto claim = db_.accruals.claim_of(to_text(step.ref));
  if (!claim) return w_.demand(false, to_text(step.ref) + ": a claim is written down");
  if (step.header.version != 1) return; // A repeat claims nothing; its sums are the first ones.
  claim_seen sum;
  for (const auto& [id, a] : db_.accruals.rows)
    if (owns(a, step.ref)) {
      ++sum.accruals;
      sum.net = sum.net + a.net_usd;
      sum.eth = sum.eth + a.net_eth;
      sum.usdt = sum.usdt + a.net_usdt;
    }
  w_.demand(sum == *claim, to_text(step.ref) + ": a claim is the sum of its accruals");
}

void gathering_watch::shared(const step_record& step, usdt_amount received) {
  int128 total = 0, sum = 0;
  for (const auto& [id, a] : db_.accruals.rows)
    if (a.conversion_id == step.ref.id) total += a.net_usd.units();
  for (const auto& [id, a] : db_.accruals.rows) {
    if (a.conversion_id != step.ref.id) continue;
    const auto fair = mul_div_floor(received.units(), a.net_usd.units(), total);
    const auto off = a.net_usdt.units() - fair;
    w_.demand(a.net_usdt.units() >= 0 && off < token_unit && off > -token_unit, to_text(step.ref) + ": a share is fair to the unit");
    sum += a.net_usdt.units();
  }
  w_.demand(sum == received.units(),
            to_text(step.ref) + ": the shares sum to what was received: " + to_decimal(sum) + " of " + to_decimal(received));
}

} // namespace paygate::sim
