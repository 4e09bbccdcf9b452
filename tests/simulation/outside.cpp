#include "tests/simulation/node.hpp"
#include "tests/simulation/planted.hpp"

namespace paygate::sim {

outside::outside(std::uint64_t seed)
    : w(seed), rates(fault_rates::drawn(w)), db(w), truth(w, db.table), net_between(w, rates), watch(w, db, rules), net(w, one_coin),
      coins(w, net), swaps(w, net, coins), gathering(w, db, coins, swaps), provider(w, rates, coins), persons(w, rates, provider) {
  net.is_stored = [this](const std::string& hash) { return db.holds_hash(hash); };
  db.before_write = [this, first = db.before_write](const step_record& step, const loaded_entity* old) {
    first(step, old);
    gathering.before(step, old);
  };
  db.after_write = [this, first = db.after_write](const step_record& step, const loaded_entity* old) {
    first(step, old);
    gathering.after(step);
  };
  db.bought = [this](const std::string& swap_id) { return coins.brought("0xout" + swap_id, false) > 0; };
  db.refunded = [this](const std::string& swap_id) {
    return coins.brought("0xback" + swap_id, false) + coins.brought("0xback" + swap_id, true) > 0;
  };
  same_machine = w.chance(40);
  db.table.is_gone = [this](const std::string& identity) {
    const auto* process = truth.truth(identity);
    return same_machine && process && process->dead;
  };
  static constexpr unsigned intensities[] = {0, 50, 100, 100, 200};
  w.intensity = intensities[w.random() % 5];
  rules.wallet_address = our_address;
  rules.confirmations = 2;
  rules.incoming_confirmations = 2;
  rules.max_fee_wei = 200'000'000'000;
  rules.gas_float_low = eth_amount::of_units(one_coin / 1000);
  rules.swap_tries_max = 8;
  rules.payment_poll_max = milliseconds(w.between(300'000, 1'200'000));
  rules.usdt_contract = usdt_address;
  rules.conversion_threshold = usd_amount::of_units(w.between(5, 120) * one_coin);
  rules.conversion_interval = milliseconds(w.between(60'000, 600'000));
  rules.payouts_interval = milliseconds(w.between(60'000, 300'000));
  rules.payout_funding_eth = w.chance(30);
  rules.broadcast_auto_interval = milliseconds(w.between(1'800'000, 10'800'000));
  rules.broadcast_manual_interval = milliseconds(w.between(0, 300'000));
  if (w.chance(20)) rules.payout_daily_max = usd_amount::of_units(w.between(40, 300) * one_coin);
  if (w.chance(20)) rules.payout_daily_total_max = usd_amount::of_units(w.between(60, 600) * one_coin);
  if (w.chance(30)) rules.payout_max = usd_amount::of_units(w.between(40, 200) * one_coin);
}

io_outcome outside::perform(const io_request& request) {
  if (auto* r = std::get_if<create_invoice>(&request)) return provider.create(*r);
  if (auto* r = std::get_if<get_payment>(&request)) return provider.look(*r);
  if (auto* r = std::get_if<find_payments>(&request)) return provider.find(*r);
  if (auto* r = std::get_if<get_swap_range>(&request)) return swaps.range(*r);
  if (auto* r = std::get_if<estimate_swap>(&request)) return swaps.estimate(*r);
  if (auto* r = std::get_if<create_swap>(&request)) return swaps.create(*r);
  if (auto* r = std::get_if<get_swap>(&request)) return swaps.look(*r);
  if (auto* r = std::get_if<send_message>(&request)) return persons.send(*r);
  if (auto* r = std::get_if<edit_message>(&request)) return persons.edit(*r);
  if (auto* r = std::get_if<create_invite>(&request)) return persons.invite(*r);
  if (auto* r = std::get_if<revoke_invite>(&request)) return persons.revoke(*r);
  if (auto* r = std::get_if<get_member>(&request)) return persons.look(*r);
  if (auto* r = std::get_if<ban_member>(&request)) return persons.ban(*r);
  if (auto* r = std::get_if<unban_member>(&request)) return persons.unban(*r);
  if (auto* r = std::get_if<approve_join>(&request)) return persons.approve(*r);
  if (auto* r = std::get_if<get_chain_quote>(&request)) return net.quote(*r);
  if (auto* r = std::get_if<broadcast_tx>(&request)) return net.broadcast(*r);
  if (auto* r = std::get_if<get_receipts>(&request)) return net.receipts(*r);
  if (auto* r = std::get_if<get_transfer>(&request)) return coins.look(*r);
  if (auto* r = std::get_if<get_token_transfer>(&request)) return coins.look(*r);
  if (lane_of(request) == lane::books) return db.ask(request);
  if (std::holds_alternative<get_wallet>(request)) return net.look();
  if (std::holds_alternative<get_usd_price>(request)) return usd_price{3000 * one_coin, "model"};
  if (auto* r = std::get_if<sign_tx>(&request)) {
    auto made = net.sign(*r);
    if (active_fault == planted::broadcast_before_stored)
      if (const auto* tx = std::get_if<tx_signed>(&made)) net.broadcast({tx->raw, tx->hash});
    return made;
  }
  return done{};
}

} // namespace paygate::sim
