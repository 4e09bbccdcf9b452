#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "addresses/address.hpp"
#include "crypto/encoding.hpp"

// What the families of address formats share. Each file of a family group adds its rules to the list.
namespace paygate::addresses {

/// What one format says of a text.
struct verdict {
  address_fault fault = address_fault::none;
  checked_by how = checked_by::checksum;
  bool carries_memo = false; ///< The address holds a memo itself (XRP's X-address, Stellar's M-address, Monero's integrated address).
};

inline verdict bad(address_fault fault) { return {fault, checked_by::nothing, false}; }
inline verdict good(checked_by how = checked_by::checksum) { return {address_fault::none, how, false}; }

/// The good one of several formats, else the one that came closest.
verdict best(std::initializer_list<verdict> verdicts);

using judge = std::function<verdict(std::string_view)>;

struct rule {
  std::string name;  ///< As in currencies.txt.
  std::string title; ///< "a Bitcoin address".
  checked_by how = checked_by::checksum;
  judge check;
};

/// All rules, those of the better known networks first.
const std::vector<rule>& all_rules();
const rule* find_rule(std::string_view name);

void add_bitcoin_rules(std::vector<rule>& rules);
void add_bech32_rules(std::vector<rule>& rules);
void add_hash_rules(std::vector<rule>& rules);
void add_ledger_rules(std::vector<rule>& rules);
void add_plain_rules(std::vector<rule>& rules);

/// One network of the snapshot. @pre of find_network's answer: none; it is null when the network is not listed.
struct network {
  std::string name, family, memo_form;
  memo_need memo = memo_need::none;
};
const network* find_network(std::string_view name);

/// Whether the text is a memo of that form ("xrp_tag", ...). False for a form that is not known.
bool is_memo(std::string_view form, std::string_view text);
bool is_memo_form(std::string_view form);

/// currencies.txt, put into the program by embed.cmake.
std::string_view currencies_text();

} // namespace paygate::addresses
