// The currency snapshot: currencies.txt, read once. It is part of the program: a line that cannot be is a broken build, not bad input.
#include <map>
#include <sstream>
#include <stdexcept>

#include "addresses/rule.hpp"

namespace paygate::addresses {

namespace {

struct snapshot {
  std::map<std::string, network, std::less<>> networks;
  std::vector<listed_currency> currencies;
};

[[noreturn]] void broken(const std::string& line) { throw std::logic_error("currencies.txt: " + line); }

/// "xrp_tag!" is a memo that is required, "cosmos_memo?" an optional one, "-" none.
void read_memo(const std::string& word, network& n, const std::string& line) {
  if (word == "-") return;
  if (word.size() < 2 || (word.back() != '!' && word.back() != '?')) broken(line);
  n.memo = word.back() == '!' ? memo_need::required : memo_need::optional;
  n.memo_form = word.substr(0, word.size() - 1);
  if (!is_memo_form(n.memo_form)) broken(line);
}

snapshot read_snapshot(std::string_view text) {
  snapshot all;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    network n;
    std::string memo, ticker;
    if (!(words >> n.name >> n.family >> memo)) broken(line);
    read_memo(memo, n, line);
    const auto* judge = find_rule(n.family);
    if (!judge && n.family != "unknown") broken(line);
    // A network's tickers may go on in further lines.
    const auto& known = all.networks.try_emplace(n.name, n).first->second;
    if (known.family != n.family || known.memo_form != n.memo_form || known.memo != n.memo) broken(line);
    while (words >> ticker)
      all.currencies.push_back({ticker, n.name, n.family, judge ? judge->how : checked_by::nothing, n.memo, n.memo_form});
  }
  return all;
}

const snapshot& shipped() {
  static const auto all = read_snapshot(currencies_text());
  return all;
}

} // namespace

const network* find_network(std::string_view name) {
  const auto found = shipped().networks.find(name);
  return found == shipped().networks.end() ? nullptr : &found->second;
}

} // namespace paygate::addresses

namespace paygate {

const std::vector<listed_currency>& listed_currencies() { return addresses::shipped().currencies; }

} // namespace paygate
