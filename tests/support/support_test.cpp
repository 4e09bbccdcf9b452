#include <catch2/catch.hpp>

#include <csignal>

#include "tests/support/anvil.hpp"
#include "tests/support/process.hpp"

using namespace paygate::test;
using namespace std::chrono_literals;

TEST_CASE("a process ends as it says, with its output in the log") {
  temporary_folder folder;
  process child({"/bin/sh", "-c", "echo $WORD; exit 3"}, folder.path() + "/log", {{"WORD", "hello"}});
  CHECK(child.wait(5s).exit_code == 3);
  CHECK(child.log_tail() == "hello\n");
  CHECK_FALSE(child.running());
}

TEST_CASE("a killed process is seen as killed") {
  temporary_folder folder;
  process child({"/bin/sleep", "100"}, folder.path() + "/log");
  CHECK(child.running());
  child.kill_hard();
  CHECK(child.wait(5s).signal == SIGKILL);
}

TEST_CASE("anvil sends, mines and tells balances") {
  anvil chain;
  const std::string to = "0x00000000000000000000000000000000000000aa";
  CHECK(chain.balance_hex(to) == "0x0");
  chain.send(to, "0xde0b6b3a7640000");
  CHECK(chain.balance_hex(to) == "0xde0b6b3a7640000");
  CHECK(chain.rpc("eth_blockNumber") == "0x1");
  chain.mine(2);
  CHECK(chain.rpc("eth_blockNumber") == "0x3");
  chain.set_balance(to, "0x1");
  CHECK(chain.balance_hex(to) == "0x1");
  CHECK_THROWS_AS(chain.rpc("no_such_method"), std::runtime_error);
}
