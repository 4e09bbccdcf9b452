#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Wallet addresses of the coins that owners are paid in. Pure: no network, no clock, no state; any thread may call it. It says whether a
// text can be an address of that network, never whether anybody holds its key.
namespace paygate {

/// What is wrong, closest to right last: of several formats that a network has, the report is about the one that came closest.
enum class address_fault : std::uint8_t {
  none,
  missing,         ///< The text is empty.
  malformed,       ///< Its characters, length or beginning are those of no address of this network.
  other_network,   ///< It is an address, of another network.
  test_network,    ///< It is an address of this network's test net.
  wrong_checksum,  ///< It has the form, but at least one character is wrong.
  not_payable,     ///< It is whole, and not of a kind that can be paid to: a shielded or staking address, an undefined witness version.
  secret_key,      ///< It is a private key. It is never repeated in any text of ours.
  memo_missing,    ///< The network needs a memo, or the word `no_memo`.
  memo_malformed,  ///< The memo is not of this network's form.
  memo_unused,     ///< The network has no memo, or the address carries one itself.
  unknown_network, ///< There is no rule of ours: ask the providers, or refuse.
};

/// "wrong_checksum": the fault's name in JSON and logs.
std::string_view name_of(address_fault fault);

/// How an address was told to be good. By `pattern` a mistyped character may go unseen: the network's addresses, or this spelling of them
/// (an Ethereum address in lower case), have no checksum.
enum class checked_by : std::uint8_t { nothing, pattern, checksum };
std::string_view name_of(checked_by how);

struct address_check {
  address_fault fault = address_fault::none;
  checked_by how = checked_by::nothing;
  std::string text; ///< A sentence for people: what is wrong, or as what and how it was found good. Never holds the address.
  bool is_good() const { return fault == address_fault::none; }
  bool operator==(const address_check&) const = default;
};

/// The memo that says: I know that this network has memos, this wallet needs none.
inline constexpr std::string_view no_memo = "none";

/// Judges an address and its memo (XRP: destination tag; empty: none was given) for a payout in `ticker` on `network`, both in ChangeNOW's
/// lower-case words. Order of judgement: network, address, memo. An address depends on its network alone: a token that the snapshot does
/// not know is checked like the others of its network.
address_check check_address(std::string_view ticker, std::string_view network, std::string_view address, std::string_view memo = {});

/// Whether a network's addresses take a memo.
enum class memo_need : std::uint8_t { none, optional, required };

/// One coin of the snapshot.
struct listed_currency {
  std::string ticker, network;
  std::string family;                   ///< The rule that judges its addresses; "unknown" when there is none of ours.
  checked_by how = checked_by::nothing; ///< `checksum` when an ordinary address of it carries one.
  memo_need memo = memo_need::none;
  std::string memo_form; ///< "xrp_tag"; empty when it has none.
};

/// The currency snapshot that the program was built with (addresses/currencies.txt), by network and ticker.
const std::vector<listed_currency>& listed_currencies();

} // namespace paygate
