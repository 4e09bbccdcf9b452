#include "actors/promo_code/promo_code_machine.hpp"

#include <algorithm>

namespace paygate {

namespace {

using step = decision<promo_code>;

constexpr std::size_t code_min = 3, code_max = 24;
const usd_amount fixed_max = usd_amount::of_units(one_coin * 1'000'000);

bool is_code(std::string_view code) {
  return code.size() >= code_min && code.size() <= code_max && std::all_of(code.begin(), code.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

std::string objection(const set_promo& terms, const step_context& context) {
  if (!is_code(terms.code)) return "a code has 3 to 24 of A-Z, 0-9, '-' and '_'";
  if (context.self.id != std::to_string(terms.channel_id) + ":" + terms.code) return "this is not that channel's code";
  const bool by_share = terms.percent != 0, by_amount = !terms.fixed.is_zero();
  if (by_share == by_amount) return "a code takes off a share or an amount, one of the two";
  if (by_share && (terms.percent < 1 || terms.percent > 100)) return "a share is from 1 to 100 percent";
  if (by_amount && (!terms.fixed.is_positive() || terms.fixed > fixed_max || truncate_to(terms.fixed.units(), 2) != terms.fixed.units()))
    return "an amount is from $0.01 to $1000000, in cents";
  if (terms.uses_max < 1 || terms.uses_max > promo_code::uses_limit)
    return "a code is used from 1 to " + std::to_string(promo_code::uses_limit) + " times";
  if (terms.uses_per_user < 1 || terms.uses_per_user > terms.uses_max) return "a user uses it from 1 time to as often as it is used at all";
  if (terms.expires_at && *terms.expires_at <= context.now) return "its end is past";
  return "";
}

std::string words_of(const promo_code& s) {
  return s.code + ": " + (s.percent != 0 ? std::to_string(s.percent) + " %" : "$" + to_fixed(s.fixed.units(), 2)) + " off";
}

struct promo_step {
  const promo_code& state;
  bool exists;
  const step_context& context;

  verdict<promo_code> unchanged(entity_reply reply = ok{}) const {
    return step{.next = state, .changed = false, .reply = std::move(reply), .entries = {}, .rows = {}, .note = {}};
  }
  step change(std::string note) const {
    return step{.next = state, .changed = true, .reply = ok{}, .entries = {}, .rows = {}, .note = std::move(note)};
  }

  /// Why this user cannot use it now, in words for them; empty when they can.
  std::string hindrance(std::int64_t user_id) const {
    if (state.status == promo_code_status::disabled) return "this code is no longer valid";
    if (state.expires_at && *state.expires_at <= context.now) return "this code has expired";
    std::int32_t all = 0, theirs = 0;
    for (const auto& use : state.uses) {
      if (use.released_at) continue;
      ++all;
      theirs += use.user_id == user_id;
    }
    if (all >= state.uses_max) return "this code has been used up";
    if (theirs >= state.uses_per_user) return "you have used this code already";
    return "";
  }

  verdict<promo_code> operator()(const set_promo& command) const {
    if (auto why = objection(command, context); !why.empty()) return refused{refusal::invalid, why};
    auto out = change(exists ? "terms changed" : "made");
    auto& s = out.next;
    s.status = promo_code_status::open;
    s.channel_id = command.channel_id;
    s.code = command.code;
    s.percent = command.percent;
    s.fixed = command.fixed;
    s.uses_max = command.uses_max;
    s.uses_per_user = command.uses_per_user;
    s.expires_at = command.expires_at;
    out.changed = !(exists && s == state);
    return out;
  }

  verdict<promo_code> operator()(const disable_promo&) const {
    if (!exists) return refused{refusal::not_found, "there is no such code"};
    if (state.status == promo_code_status::disabled) return unchanged();
    auto out = change("disabled");
    out.next.status = promo_code_status::disabled;
    return out;
  }

  verdict<promo_code> operator()(const quote_promo& command) const {
    if (!exists) return refused{refusal::not_found, "there is no such code"};
    if (auto why = hindrance(command.user_id); !why.empty()) return refused{refusal::out_of_order, why};
    return unchanged(promo_price{discounted(state, command.price, context.rules.price_min), words_of(state)});
  }

  verdict<promo_code> operator()(const redeem_promo& command) const {
    if (!exists) return refused{refusal::not_found, "there is no such code"};
    if (command.order_id.empty() || !command.price.is_positive()) return refused{refusal::invalid, "a use needs its order and a price"};
    const auto known = std::find_if(state.uses.begin(), state.uses.end(), [&](const promo_use& u) { return u.order_id == command.order_id; });
    if (known != state.uses.end() && (!known->released_at || !command.anyway)) {
      if (!known->released_at) return unchanged(promo_price{known->price, words_of(state)});
      return refused{refusal::out_of_order, "the order came to nothing"};
    }
    if (known == state.uses.end())
      if (auto why = hindrance(command.user_id); !why.empty() && !command.anyway) return refused{refusal::out_of_order, why};
    auto out = change("used by order " + command.order_id);
    if (known != state.uses.end()) {
      auto& use = out.next.uses[static_cast<std::size_t>(known - state.uses.begin())];
      use.released_at.reset();
      out.rows.emplace_back(use);
      out.reply = promo_price{use.price, words_of(state)};
      return out;
    }
    const auto price = discounted(state, command.price, context.rules.price_min);
    out.next.uses.push_back({command.order_id, context.self.id, command.user_id, price, context.now, std::nullopt});
    out.rows.emplace_back(out.next.uses.back());
    out.reply = promo_price{price, words_of(state)};
    return out;
  }

  verdict<promo_code> operator()(const release_promo& command) const {
    if (!exists) return unchanged();
    for (std::size_t i = 0; i < state.uses.size(); ++i) {
      if (state.uses[i].order_id != command.order_id || state.uses[i].released_at) continue;
      auto out = change("released by order " + command.order_id);
      out.next.uses[i].released_at = context.now;
      out.rows.emplace_back(out.next.uses[i]);
      return out;
    }
    return unchanged();
  }

  verdict<promo_code> operator()(const effect_done&) const {
    if (!exists) return refused{refusal::not_found, "there is no such code"};
    return unchanged();
  }
};

} // namespace

verdict<promo_code> promo_code_kind::apply(const promo_code& state, bool exists, const promo_code_message& message,
                                           const step_context& context) {
  return std::visit(promo_step{state, exists, context}, message);
}

std::vector<effect> promo_code_kind::effects_due(const promo_code&, const entity_ref&, timestamp, const policy&) { return {}; }
std::optional<timestamp> promo_code_kind::wakes_at(const promo_code&, timestamp, const policy&) { return std::nullopt; }
std::optional<std::chrono::seconds> promo_code_kind::stuck_after(const promo_code&) { return std::nullopt; }

usd_amount discounted(const promo_code& terms, usd_amount price, usd_amount least) {
  constexpr int128 cent = one_coin / 100;
  const auto off = terms.percent != 0 ? mul_div_floor(price.units(), terms.percent, 100) : terms.fixed.units();
  const auto left = price.units() - off;
  if (left <= 0) return {};
  const auto rounded = (left + cent - 1) / cent * cent;
  return usd_amount::of_units(std::min(price.units(), std::max(rounded, least.units())));
}

} // namespace paygate
