// Wallet addresses: the first two bytes pick a coin of the snapshot, the rest is an address and, behind a line break, a memo.
#include <string>

#include "addresses/address.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace paygate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto& all = listed_currencies();
  const auto& coin = all[(data[0] * 256u + data[1]) % all.size()];
  const auto text = fuzz::text_of(data + 2, size - 2);
  const auto line = text.find('\n');
  const auto address = text.substr(0, line), memo = line == text.npos ? std::string_view() : text.substr(line + 1);
  const auto check = check_address(coin.ticker, coin.network, address, memo);
  fuzz::promise(check.is_good() == (check.how != checked_by::nothing), "what is good was told so by something");
  fuzz::promise(!check.text.empty(), "a judgement has its sentence");
  if (address.size() >= 24) fuzz::promise(check.text.find(address) == check.text.npos, "a sentence never holds the address");
  fuzz::promise(check == check_address(coin.ticker, coin.network, address, memo), "the same is judged alike");
  return 0;
}
