#include "actors/swap/swap.hpp"

#include <algorithm>
#include <cctype>

namespace paygate {

namespace {

using namespace std::chrono_literals;

constexpr milliseconds poll_max{30'000};
constexpr milliseconds attention_poll{60'000}, attention_poll_max{600'000};

effect ask_wallet(std::string key, const std::string& wallet, wallet_message message, const policy& rules) {
  return {std::move(key), ask_entity{{entity_kind::wallet, wallet}, std::move(message)}, timestamp{}, rules.receipt_poll,
          std::max(rules.receipt_poll, 15'000ms)};
}

template <class State>
effect transfer(const State& p, const entity_ref& self, const policy& rules, const std::string& plain_debit) {
  const auto intent = transfer_intent(p, self);
  request_transfer request;
  request.intent = intent;
  request.to = p.swap_id.empty() ? swap_address(p, rules) : p.payin_address;
  request.debit = p.swap_id.empty() ? plain_debit : accounts::in_swap(p.swap_id);
  request.sign_before = sign_deadline(p, rules);
  if (swap_from(p) == usdt_on_eth) {
    request.token = rules.usdt_contract;
    request.token_value = usdt_amount::of_units(funded_units(p));
  } else
    request.value = eth_amount::of_units(funded_units(p));
  return ask_wallet(swap_keys::transfer(intent), p.wallet_address, std::move(request), rules);
}

template <class State>
void collect(std::vector<effect>& due, const State& p, const entity_ref& self, const policy& rules, const std::string& plain_debit) {
  using status = decltype(p.status);
  // The wallet keeps a final transfer in memory until it is told that nobody will ask for it again.
  const bool settled = !p.settled_intent.empty();
  if (settled) due.push_back(ask_wallet(swap_keys::acknowledge(p), p.wallet_address, acknowledge_transfer{p.settled_intent}, rules));
  const auto poll = [&](std::string key, milliseconds first, milliseconds most) {
    due.push_back({std::move(key), io_request(get_swap{p.swap_id}), timestamp{}, first, std::max(first, most)});
  };
  const auto from = swap_from(p), to = swap_to(p);
  if (p.status == status::requested)
    due.push_back(soon(swap_keys::range, get_swap_range{from, to}));
  else if (p.status == status::estimating)
    due.push_back(soon(swap_keys::estimate(p), estimate_swap{from, to, swap_units(p)}));
  else if (p.status == status::swapping)
    due.push_back(soon(swap_keys::create(p),
                       create_swap{from, to, swap_units(p), swap_address(p, rules), swap_extra_id(p), rules.wallet_address, p.rate_id}));
  else if (p.status == status::funding && !p.funding_released)
    poll(swap_keys::expect(p), rules.swap_poll, poll_max);
  else if ((p.status == status::funding && !settled) || p.status == status::confirming)
    due.push_back(transfer(p, self, rules, plain_debit));
  else if (p.status == status::exchanging)
    poll(swap_keys::follow(p), rules.swap_poll, poll_max);
  else if (is_awaiting_refund(p))
    poll(swap_keys::follow(p), rules.swap_poll, attention_poll);
  else if (is_looking_at_chain(p)) {
    const bool token = incoming_asset(p) == usdt_on_eth;
    due.push_back({swap_keys::arrival(p),
                   token ? io_request(get_token_transfer{p.incoming_hash}) : io_request(get_transfer{p.incoming_hash}), timestamp{},
                   rules.receipt_poll, std::max(rules.receipt_poll, 15'000ms)});
  } else if (is_looking_at_books(p))
    due.push_back(soon(swap_keys::used(p), find_arrival{p.incoming_hash, incoming_asset(p).ticker}));
  else if (is_still_followed(p))
    poll(swap_keys::follow(p), attention_poll, attention_poll_max);
}

} // namespace

bool is_evm_address(std::string_view address) {
  if (address.size() != 42 || address.substr(0, 2) != "0x") return false;
  const auto digits = address.substr(2);
  return digits.find_first_not_of("0123456789abcdefABCDEF") == digits.npos && digits.find_first_not_of('0') != digits.npos;
}

asset swap_from(const payout& state) { return state.pot == payout_pot::usdt ? usdt_on_eth : eth_on_eth; }
asset swap_to(const payout& state) { return state.leg == 1 ? eth_on_eth : state.target; }
std::string swap_address(const payout& state, const policy& rules) { return state.leg == 1 ? rules.wallet_address : state.address; }

std::string upper_ticker(const asset& a) {
  auto text = a.ticker;
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

int128 source_units(const payout& state) {
  return checked_sub(state.pot == payout_pot::usdt ? state.source_usdt.units() : state.source.units(), state.lost);
}
int128 funded_units(const payout& state) { return state.pot == payout_pot::usdt ? state.funded_usdt.units() : state.funded.units(); }

void set_funded(payout& state, int128 units) {
  if (state.pot == payout_pot::usdt)
    state.funded_usdt = usdt_amount::of_units(units);
  else
    state.funded = eth_amount::of_units(units);
}

effect soon(std::string key, io_request request) { return {std::move(key), std::move(request), timestamp{}, 1000ms, 60'000ms}; }

void swap_due(std::vector<effect>& due, const payout& state, const entity_ref& self, const policy& rules, const std::string& plain_debit) {
  collect(due, state, self, rules, plain_debit);
}

void swap_due(std::vector<effect>& due, const conversion& state, const entity_ref& self, const policy& rules) {
  collect(due, state, self, rules, "");
}

} // namespace paygate
