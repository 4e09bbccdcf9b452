#include <algorithm>

#include "addresses/rule.hpp"

namespace paygate::addresses {

namespace {

bool is_integer(std::string_view text, std::string_view max) {
  if (text.empty() || text.size() > max.size() || text.find_first_not_of("0123456789") != text.npos) return false;
  if (text.size() > 1 && text[0] == '0') return false;
  return text.size() < max.size() || text <= max;
}

/// A memo of text: printable, and no white space at either end, where it gets lost on the way.
bool is_text(std::string_view text, std::size_t size_max) {
  if (text.empty() || text.size() > size_max || text.front() == ' ' || text.back() == ' ') return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

struct memo_form {
  std::string_view name;
  std::size_t size_max;      ///< Of a text; 0 when it is a number.
  std::string_view max = {}; ///< Of a number.
};
constexpr std::string_view uint32_max = "4294967295", uint64_max = "18446744073709551615";
constexpr memo_form forms[] = {
    {"xrp_tag", 0, uint32_max},  // Destination tag.
    {"icp_memo", 0, uint64_max}, // Of the ledger canister.
    {"stellar_memo", 28},        // MEMO_TEXT; an id is a text of digits.
    {"eos_memo", 256},           // eosio.token: "memo has more than 256 bytes".
    {"cosmos_memo", 256},        // x/auth MaxMemoCharacters.
    {"ton_comment", 120},        // What fits a message's first cell.
    {"hedera_memo", 100},        // Hedera: MEMO_TOO_LONG above 100 bytes.
    {"stacks_memo", 34},         // SIP-005: 34 bytes.
    {"nem_message", 160},
};

const memo_form* find_form(std::string_view name) {
  const auto* found = std::find_if(std::begin(forms), std::end(forms), [&](const memo_form& f) { return f.name == name; });
  return found == std::end(forms) ? nullptr : found;
}

} // namespace

bool is_memo_form(std::string_view form) { return find_form(form) != nullptr; }

bool is_memo(std::string_view form, std::string_view text) {
  const auto* found = find_form(form);
  return found && (found->size_max == 0 ? is_integer(text, found->max) : is_text(text, found->size_max));
}

} // namespace paygate::addresses
