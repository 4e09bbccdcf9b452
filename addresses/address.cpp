#include "addresses/address.hpp"

#include <algorithm>
#include <array>

#include "addresses/rule.hpp"

namespace paygate {

namespace addresses {

verdict best(std::initializer_list<verdict> verdicts) {
  const auto rank = [](const verdict& v) { return v.fault == address_fault::none ? 1000 : static_cast<int>(v.fault); };
  return *std::max_element(verdicts.begin(), verdicts.end(), [&](const verdict& a, const verdict& b) { return rank(a) < rank(b); });
}

const std::vector<rule>& all_rules() {
  static const auto rules = [] {
    std::vector<rule> list;
    add_bitcoin_rules(list);
    add_plain_rules(list);
    add_ledger_rules(list);
    add_hash_rules(list);
    add_bech32_rules(list);
    return list;
  }();
  return rules;
}

const rule* find_rule(std::string_view name) {
  const auto& rules = all_rules();
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const rule& r) { return r.name == name; });
  return found == rules.end() ? nullptr : &*found;
}

namespace {

constexpr std::size_t address_max = 512; // Longer than any: what is longer is not even looked at.

/// What else the text is; null when nothing is sure. A bare key without checksum could be of many networks, but for two whose form is
/// plain.
const rule* identify(std::string_view text, const rule& besides) {
  for (const auto& r : all_rules()) {
    if (&r == &besides) continue;
    const auto v = r.check(text);
    if (v.fault == address_fault::none && (v.how == checked_by::checksum || r.name == "evm" || r.name == "solana")) return &r;
  }
  return nullptr;
}

std::string sentence(address_fault fault, const std::string& title) {
  switch (fault) {
  case address_fault::none: return "";
  case address_fault::missing: return "the address is missing";
  case address_fault::malformed: return "this is not " + title + ": its characters, length or beginning are wrong";
  case address_fault::other_network: return "of another network: this is not " + title;
  case address_fault::test_network: return "of a test network: coins sent there are worth nothing";
  case address_fault::wrong_checksum: return "wrong checksum: at least one character of " + title + " is mistyped";
  case address_fault::not_payable: return "this kind of address cannot be paid to: give an ordinary wallet's";
  case address_fault::secret_key: return "this is a private key: give the address, and never show the key to anybody";
  case address_fault::memo_missing: break; // The memo's sentences need its form.
  case address_fault::memo_malformed: break;
  case address_fault::memo_unused: break;
  case address_fault::unknown_network: break;
  }
  return "the address is refused";
}

/// "XRP tag" for "xrp_tag": people read it.
std::string words_of(std::string_view form) {
  if (form == "xrp_tag") return "destination tag (0 to 4294967295)";
  std::string words(form);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

address_check check_memo(const network& n, const verdict& v, std::string_view memo, address_check good) {
  const auto refuse = [](address_fault fault, std::string text) { return address_check{fault, checked_by::nothing, std::move(text)}; };
  const bool given = !memo.empty() && memo != no_memo;
  if (n.memo == memo_need::none || v.carries_memo) {
    if (!given) return good;
    return refuse(address_fault::memo_unused, v.carries_memo ? "this address carries its memo itself: leave the memo out"
                                                             : "addresses of " + n.name + " have no memo: leave it out");
  }
  if (given && !is_memo(n.memo_form, memo)) return refuse(address_fault::memo_malformed, "this is no " + words_of(n.memo_form));
  if (memo.empty() && n.memo == memo_need::required)
    return refuse(address_fault::memo_missing,
                  "a memo is required: " + words_of(n.memo_form) + "; an exchange tells you yours, for a wallet of your own say \"none\"");
  return good;
}

} // namespace

} // namespace addresses

std::string_view name_of(address_fault fault) {
  static constexpr std::array<std::string_view, 12> names = {"none",         "missing",        "malformed",   "other_network",
                                                             "test_network", "wrong_checksum", "not_payable", "secret_key",
                                                             "memo_missing", "memo_malformed", "memo_unused", "unknown_network"};
  return names[static_cast<std::size_t>(fault)];
}

std::string_view name_of(checked_by how) {
  static constexpr std::array<std::string_view, 3> names = {"nothing", "pattern", "checksum"};
  return names[static_cast<std::size_t>(how)];
}

address_check check_address(std::string_view ticker, std::string_view network, std::string_view address, std::string_view memo) {
  using namespace addresses;
  const auto refuse = [](address_fault fault, std::string text) { return address_check{fault, checked_by::nothing, std::move(text)}; };
  const auto* n = find_network(network);
  const auto* judge = n ? find_rule(n->family) : nullptr;
  if (!judge)
    return refuse(address_fault::unknown_network,
                  "no rule here knows the addresses of " + std::string(ticker) + " on " + std::string(network));
  if (address.empty()) return refuse(address_fault::missing, sentence(address_fault::missing, judge->title));
  if (address.size() > address_max) return refuse(address_fault::malformed, sentence(address_fault::malformed, judge->title));
  const auto v = judge->check(address);
  if (v.fault == address_fault::none) {
    return check_memo(*n, v, memo, {address_fault::none, v.how, "good as " + judge->title + ", checked by " + std::string(name_of(v.how))});
  }
  const bool may_be_other =
      v.fault == address_fault::malformed || v.fault == address_fault::other_network || v.fault == address_fault::wrong_checksum;
  if (const auto* other = may_be_other ? identify(address, *judge) : nullptr)
    return refuse(address_fault::other_network, "of another network: this is " + other->title + ", not " + judge->title);
  return refuse(v.fault, sentence(v.fault, judge->title));
}

} // namespace paygate
