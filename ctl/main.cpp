// paygatectl: the operator's tool. It sends commands to a daemon's inspector and prints the answers; of the rules it knows only those of
// addresses, which need no daemon.
#include <cstdio>
#include <iostream>

#include "ctl/command.hpp"
#include "ctl/exit_codes.hpp"
#include "ctl/flows.hpp"
#include "ctl/link.hpp"

int main(int argc, char** argv) {
  using namespace paygate::ctl;
  auto read = read_command({argv + 1, argv + argc}, std::cin);
  if (const auto* u = std::get_if<usage>(&read)) {
    std::fputs(u->text.c_str(), u->asked_for ? stdout : stderr);
    return u->asked_for ? done : wrong_usage;
  }
  const auto& c = std::get<command>(read);
  if (!c.answer.empty()) return print_answer(c, c.answer);
  daemon_link daemon(c.address, c.tls_dir);
  return run(c, daemon);
}
