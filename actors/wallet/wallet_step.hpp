#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actors/wallet/wallet_machine.hpp"

// Shared by the files of the wallet's machine, and by nobody else.
namespace paygate::wallets {

std::string lower(std::string text);
bool is_evm_address(std::string_view address);
std::string eth_text(int128 units);
/// What a transfer is worth, for people: "0.5 ETH", "20 USDT".
std::string worth(const wallet_transfer& t);
/// What one unit of the token is in our units.
inline constexpr int128 usdt_unit_of_token = one_coin / 1'000'000;

/// The transaction of a listed nonce is exactly this call, or moves as much of the same (to whomever).
bool is_same_call(const foreign_nonce& f, const wallet_call& call);
bool is_same_amount(const foreign_nonce& f, const wallet_call& call);

/// One message being handled: gathers the next state and what goes with it.
class step {
public:
  step(const wallet& before, const step_context& context) : before_(before), context_(context) { out_.next = before; }

  // Commands and outcomes (wallet_machine.cpp).
  verdict<wallet> on(const open_wallet& m, bool exists);
  verdict<wallet> on(const request_transfer& m);
  verdict<wallet> on(const acknowledge_transfer& m);
  verdict<wallet> on(const effect_done& m);
  // What a person says of the books and the chain (wallet_foreign.cpp, wallet_books.cpp).
  verdict<wallet> on(const book_correction& m);
  verdict<wallet> on(const sign_off_wallet& m);
  verdict<wallet> on(const explain_nonce& m);
  verdict<wallet> on(const release_transfer& m);

private:
  void on_opened(const io_outcome& outcome);
  bool on_transfer(wallet_transfer& t, const std::string& key, const io_outcome& outcome);

  // From queued to broadcast (wallet_sending.cpp).
  void on_books(const wallet_transfer& t, const io_outcome& outcome);
  void on_quote(wallet_transfer& t, const io_outcome& outcome);
  void on_signed(wallet_transfer& t, const io_outcome& outcome);
  void on_broadcast(wallet_transfer& t, const io_outcome& outcome);
  void on_reprice(wallet_transfer& t, const io_outcome& outcome);
  bool covers(const chain_quote& q, const wallet_transfer& t, const gas_fees& fees);
  bool covers_token(const chain_quote& q, const wallet_transfer& t);
  std::int64_t lowest_open_nonce() const;

  // What the chain says (wallet_mined.cpp).
  void on_receipts(wallet_transfer& t, const io_outcome& outcome);
  void settle(wallet_transfer& t, const receipt& r, const std::vector<std::string>& known);
  void post_transfer(const wallet_transfer& t);
  void pause(const std::string& text);
  void unpause();

  // Nonces that somebody else used (wallet_foreign.cpp).
  void on_sign_off(const io_outcome& outcome);
  void list_foreign(std::int64_t nonce);
  void on_explained(foreign_nonce& f, const io_outcome& outcome);
  std::string objection(const foreign_nonce& f);
  void explain(foreign_nonce& f);
  void carried_out(wallet_transfer& t, const foreign_nonce& f);
  /// Whether a new intent was carried out before it was asked for, or may have been: confirmed, held or refused then.
  std::optional<refused> look_back(wallet_transfer& t);

  // Small things.
  bool is_late(const wallet_transfer& t) const { return t.sign_before && context_.now > *t.sign_before; }
  /// @pre it can never be mined (spec 5, way back (a)).
  void drop(wallet_transfer& t, const std::string& why);
  void alert(const std::string& text);
  wallet_transfer* find(const std::string& intent);
  foreign_nonce* find_foreign(std::int64_t nonce);
  void post(const std::string& what, std::string reason, std::vector<posting> postings);
  verdict<wallet> finish();

  const wallet& before_;
  const step_context& context_;
  decision<wallet> out_;
};

} // namespace paygate::wallets
