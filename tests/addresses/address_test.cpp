// Addresses against published vectors (vectors.txt), every one of them with each character changed, and seeded nonsense.
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include <catch2/catch.hpp>

#include "addresses/rule.hpp"

using namespace paygate;

namespace {

struct vector_row {
  std::string network, fault, how, address;
};

std::vector<vector_row> read_vectors() {
  std::ifstream file(PAYGATE_ADDRESS_VECTORS);
  std::vector<vector_row> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    vector_row r;
    REQUIRE(words >> r.network >> r.fault >> r.how >> r.address);
    rows.push_back(std::move(r));
  }
  return rows;
}

const std::vector<vector_row>& vectors() {
  static const auto rows = read_vectors();
  return rows;
}

const addresses::judge& judge_of(const std::string& network) {
  return addresses::find_rule(addresses::find_network(network)->family)->check;
}

bool is_whole_by_checksum(const addresses::verdict& v) { return v.fault == address_fault::none && v.how == checked_by::checksum; }

/// How many wrong texts a checksum lets pass by chance. EIP-55 has as many bits as the address has letters, 15 on average; SS58 has 16.
/// All others have at least 24, or a code that finds every single error.
double chance_allowed(const std::string& family) { return family == "evm" || family == "xdc" ? 1e-3 : family == "polkadot" ? 1e-4 : 0; }

/// Other spellings of the same bytes: base64's two alphabets on TON, hyphens on NEM.
bool same_meaning(const std::string& family, std::string a, std::string b) {
  for (auto* text : {&a, &b}) {
    if (family == "nem") std::erase(*text, '-');
    if (family == "ton")
      for (auto& c : *text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  }
  return a == b;
}

struct tally {
  int tried = 0, passed = 0;
};

void expect_few_passed(const std::map<std::string, tally>& tallies) {
  for (const auto& [family, t] : tallies) {
    INFO(family << ": " << t.passed << " of " << t.tried << " wrong texts passed");
    CHECK(t.passed <= static_cast<int>(chance_allowed(family) * t.tried));
  }
}

constexpr std::string_view letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.:+/";

} // namespace

TEST_CASE("published addresses are judged as they must be") {
  REQUIRE(vectors().size() > 150);
  for (const auto& row : vectors()) {
    const auto result = check_address(row.network, row.network, row.address, no_memo);
    INFO(row.network << " " << row.address << ": " << result.text);
    CHECK(name_of(result.fault) == row.fault);
    CHECK(name_of(result.how) == row.how);
    CHECK_FALSE(result.text.empty());
    CHECK((row.address == "anything" || result.text.find(row.address) == std::string::npos));
  }
}

TEST_CASE("every rule has a published address that it takes") {
  std::set<std::string> proven;
  for (const auto& row : vectors())
    if (row.fault == "none") proven.insert(addresses::find_network(row.network)->family);
  // Their numbers alone are their own: format and checksum are those of other coins, and compare.js makes addresses of them.
  const std::set<std::string> shared = {"pivx",        "solar",        "cosmos:axelar", "cosmos:core", "cosmos:akash",
                                        "cosmos:band", "cosmos:sei",   "cosmos:fetch",  "cosmos:bbn",  "cosmos:juno",
                                        "cosmos:dydx", "cosmos:stars", "cosmos:noble",  "sia"};
  for (const auto& r : addresses::all_rules()) {
    INFO(r.name);
    CHECK(proven.contains(r.name) != shared.contains(r.name));
  }
}

TEST_CASE("no address with a checksum survives a changed character, anywhere") {
  std::map<std::string, tally> tallies;
  for (const auto& row : vectors()) {
    if (row.fault != "none" || row.how != "checksum") continue;
    const auto& family = addresses::find_network(row.network)->family;
    for (std::size_t at = 0; at < row.address.size(); ++at)
      for (char c : letters) {
        auto wrong = row.address;
        wrong[at] = c;
        if (same_meaning(family, wrong, row.address)) continue;
        auto& t = tallies[family];
        ++t.tried;
        if (is_whole_by_checksum(judge_of(row.network)(wrong))) ++t.passed;
      }
  }
  expect_few_passed(tallies);
}

TEST_CASE("neither do swapped, lost, doubled and inserted characters, nor does nonsense crash anything") {
  std::mt19937_64 random(20261121);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  std::map<std::string, tally> tallies;
  for (int round = 0; round < 60; ++round)
    for (const auto& row : vectors()) {
      if (row.fault != "none") continue;
      const auto& family = addresses::find_network(row.network)->family;
      auto wrong = row.address;
      const auto at = below(wrong.size());
      switch (random() % 6) {
      case 0: std::swap(wrong[at], wrong[below(wrong.size())]); break;
      case 1: wrong.erase(at, 1 + below(3)); break;
      case 2: wrong.insert(at, 1, wrong[at]); break;
      case 3: wrong.insert(at, 1, letters[below(letters.size())]); break;
      case 4: wrong[at] = static_cast<char>(random()); break;
      default: wrong = wrong.substr(at) + wrong.substr(0, at);
      }
      const auto v = judge_of(row.network)(wrong);
      // Whole prefixes may be left out on Bitcoin Cash; a rotation by nothing is the address itself.
      if (row.how != "checksum" || same_meaning(family, wrong, row.address)) continue;
      auto& t = tallies[family];
      ++t.tried;
      if (is_whole_by_checksum(v)) ++t.passed;
    }
  expect_few_passed(tallies);
  for (int round = 0; round < 3000; ++round) {
    std::string noise(below(130), '\0');
    for (auto& c : noise) c = random() % 8 == 0 ? static_cast<char>(random()) : letters[below(letters.size())];
    for (const auto& r : addresses::all_rules()) CHECK_FALSE(is_whole_by_checksum(r.check(noise)));
  }
}

TEST_CASE("any length is answered") {
  for (const auto& r : addresses::all_rules())
    for (std::size_t size = 0; size < 700; size = size < 40 ? size + 1 : size * 2)
      for (char c : {'1', 'A', 'f', '0', ':', '-', '\0'}) CHECK_NOTHROW(r.check(std::string(size, c)));
  CHECK(check_address("btc", "btc", std::string(100'000, '1')).fault == address_fault::malformed);
  CHECK(check_address("btc", "btc", "").fault == address_fault::missing);
}

TEST_CASE("an address of another network is named") {
  CHECK(check_address("usdt", "eth", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t").text
        == "of another network: this is a Tron address, not an Ethereum-style address (0x...)");
  CHECK(check_address("ltc", "ltc", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4").text
        == "of another network: this is a Bitcoin address, not a Litecoin address");
  CHECK(check_address("btc", "btc", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v").text
        == "of another network: this is a Solana address, not a Bitcoin address");
  CHECK(check_address("btc", "btc", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb").text
        == "wrong checksum: at least one character of a Bitcoin address is mistyped");
}

TEST_CASE("memos: who needs one, what form it has, who carries it himself") {
  struct row {
    const char *network, *address, *memo, *fault;
  };
  const auto *xrp = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh", *tagged = "X7gJ5YK8abHf2eTPWPFHAAot8Knck11QGqmQ7a6a3Z8PJvk",
             *xlm = "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ", *osmo = "osmo1clpqr4nrk4khgkxj78fcwwh6dl3uw4epasmvnj",
             *btc = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa";
  const auto* muxed = "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUQ";
  for (const auto& r : {row{"xrp", xrp, "", "memo_missing"},
                        row{"xrp", xrp, "none", "none"},
                        row{"xrp", xrp, "0", "none"},
                        row{"xrp", xrp, "4294967295", "none"},
                        row{"xrp", xrp, "4294967296", "memo_malformed"},
                        row{"xrp", xrp, "007", "memo_malformed"},
                        row{"xrp", xrp, "-1", "memo_malformed"},
                        row{"xrp", xrp, "12a", "memo_malformed"},
                        row{"xrp", tagged, "", "none"},
                        row{"xrp", tagged, "5", "memo_unused"},
                        row{"xlm", xlm, "", "memo_missing"},
                        row{"xlm", xlm, "deposit 123", "none"},
                        row{"xlm", xlm, "1234567890123456789012345678", "none"},
                        row{"xlm", xlm, "12345678901234567890123456789", "memo_malformed"},
                        row{"xlm", xlm, " 1", "memo_malformed"},
                        row{"xlm", xlm, "1\n", "memo_malformed"},
                        row{"xlm", muxed, "", "none"},
                        row{"xlm", muxed, "1", "memo_unused"},
                        row{"osmo", osmo, "", "none"},
                        row{"osmo", osmo, "42", "none"},
                        row{"btc", btc, "", "none"},
                        row{"btc", btc, "none", "none"},
                        row{"btc", btc, "42", "memo_unused"}}) {
    INFO(r.network << " " << r.address << " [" << r.memo << "]");
    CHECK(name_of(check_address(r.network, r.network, r.address, r.memo).fault) == r.fault);
  }
  // The address comes first: whoever mistyped it hears of that, not of the memo.
  CHECK(check_address("xrp", "xrp", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTi", "").fault == address_fault::wrong_checksum);
}

TEST_CASE("a token that the snapshot does not know is judged by its network") {
  CHECK(check_address("newtoken", "eth", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed").is_good());
}

TEST_CASE("the snapshot: enough pairs, none twice, nearly all with a rule") {
  std::set<std::string> pairs;
  std::map<checked_by, int> counts;
  for (const auto& c : listed_currencies()) {
    pairs.insert(c.ticker + "/" + c.network);
    ++counts[c.how];
    CHECK((c.memo == memo_need::none) == c.memo_form.empty());
  }
  CHECK(pairs.size() == listed_currencies().size());
  CHECK(pairs.size() >= 150);
  CHECK(counts[checked_by::nothing] <= 5);
  for (const auto* pair : {"btc/btc", "eth/eth", "usdt/eth", "usdt/trx", "usdt/ton", "eth/base", "xmr/xmr", "sol/sol", "xrp/xrp"})
    CHECK(pairs.contains(pair));
}
