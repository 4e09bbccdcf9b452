// For compare.js: judges lines "network<TAB>address" from the standard input, one answer a line; with --pairs, prints the snapshot instead.
#include <cstring>
#include <iostream>
#include <string>

#include "addresses/address.hpp"

int main(int argc, char** argv) {
  using namespace paygate;
  if (argc > 1 && std::strcmp(argv[1], "--pairs") == 0) {
    for (const auto& c : listed_currencies()) std::cout << c.ticker << '\t' << c.network << '\t' << c.family << '\n';
    return 0;
  }
  for (std::string line; std::getline(std::cin, line);) {
    const auto tab = line.find('\t');
    const auto network = line.substr(0, tab);
    std::cout << name_of(check_address(network, network, tab == line.npos ? "" : line.substr(tab + 1), no_memo).fault) << '\n';
  }
}
