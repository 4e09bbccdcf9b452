// Settings from file and command line: what is taken, and the exact sentence for what is not.
#include <catch2/catch.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>
#include <unistd.h>

#include "config/configuration.hpp"

using namespace paygate;

namespace {

using lines = std::vector<std::string>;

/// A settings file that is gone with the test.
class ini_file {
public:
  explicit ini_file(const std::string& text)
      : path_(std::filesystem::temp_directory_path() / ("paygate-" + std::to_string(::getpid()) + ".ini")) {
    std::ofstream(path_) << text;
  }
  ~ini_file() { std::filesystem::remove(path_); }
  std::string path() const { return path_.string(); }
  std::string argument() const { return "--config-file=" + path(); }

private:
  std::filesystem::path path_;
};

} // namespace

TEST_CASE("defaults are valid and become the documented policy") {
  settings s;
  CHECK(validate(s).empty());
  const auto p = policy_of(s, "0xabc");
  CHECK(p.min_tolerance_bps == 5000);
  CHECK(p.fallback_tolerance_bps == 7500);
  CHECK(p.swap_min_validity_bps == 2500);
  CHECK(p.platform_bps == 300);
  CHECK(p.payment_poll_first == milliseconds(30'000));
  CHECK(p.max_fee_wei == int128{300'000'000'000});
  CHECK(p.gas_float_low.units() == int128{5'000'000'000'000'000});
  CHECK(p.payout_max.is_zero());
  CHECK(p.reconciliation_interval == std::chrono::hours(24));
  CHECK(p.wallet_address == "0xabc");
  s.sandbox = true;
  const auto fast = policy_of(s, "0xabc");
  CHECK(fast.receipt_poll == milliseconds(300));
  CHECK(fast.swap_poll == milliseconds(500));
  CHECK(fast.payment_poll_first == milliseconds(3'000));
  s.reconciliation.interval = std::chrono::seconds(0);
  CHECK(validate(s).empty());
  CHECK(policy_of(s, "0xabc").reconciliation_interval == milliseconds(0));
}

TEST_CASE("the command line wins over the file, the file over the default") {
  ini_file file(
      "; a comment\nsecrets-dir=\"/run/secrets\"\n[http]\nport=9000\nbind=\"0.0.0.0\"\ntrusted_proxies=[\"10.0.0.0/8\", \"::1\"]\n"
      "[wallet]\nreceipt_poll=750ms\nmax_fee_gwei=\"12.5\"\n[scheduler]\nmax-threads=3\n");
  configuration c;
  CHECK(c.load({file.argument(), "--http.port=0", "--payments.min_tolerance=0.625", "--sandbox", "--swaps.poll=2s"}) == lines{});
  CHECK(c.values.http.port == 0);
  CHECK(c.values.http.bind == "0.0.0.0");
  CHECK(c.values.http.trusted_proxies == lines{"10.0.0.0/8", "::1"});
  CHECK(c.values.secrets_dir == "/run/secrets");
  CHECK(c.values.sandbox);
  const auto p = policy_of(c.values, "");
  CHECK(p.min_tolerance_bps == 6250);
  CHECK(p.max_fee_wei == int128{12'500'000'000});
  CHECK(c.values.wallet.receipt_poll == std::chrono::milliseconds(750));
  CHECK(caf::get_or(c, "scheduler.max-threads", std::size_t{0}) == 3);
}

TEST_CASE("entities get half of the processors, and at least one, unless it is said otherwise") {
  configuration unsaid, said;
  CHECK(unsaid.load({}) == lines{});
  CHECK(caf::get_or(unsaid, "scheduler.max-threads", std::size_t{0}) == std::max(std::thread::hardware_concurrency() / 2, 1u));
  CHECK(said.load({"--runtime.threads=5"}) == lines{});
  CHECK(caf::get_or(said, "scheduler.max-threads", std::size_t{0}) == 5);
}

TEST_CASE("what CAF would pass over in silence is a sentence that names file, key and what was expected") {
  struct row {
    const char* text;
    const char* fault;
  };
  const row rows[] = {
      {"[http]\nprot=9000\n", ": http.prot is no setting: expected one of those that --help lists."},
      {"[htttp]\nport=9000\n", ": htttp.port is no setting: expected one of those that --help lists."},
      {"prt=1\n", ": prt is no setting: expected one of those that --help lists."},
      {"[http]\nport=\"9000\"\n", ": http.port is \"9000\": expected a whole number."},
      {"[http]\nbind='any'\n", ": http.bind is 'any': expected text in double quotes."},
      {"[wallet]\nreceipt_poll=5\n", ": wallet.receipt_poll is 5: expected a duration like 500ms, 5s, 15min or 24h."},
      {"[payments]\nmin_tolerance=0.5\n", ": payments.min_tolerance is 0.500000: expected text in double quotes."},
      {"sandbox=1\n", ": sandbox is 1: expected true or false."},
      {"[ipn]\nallow_list=\"10.0.0.1\"\n", ": ipn.allow_list is \"10.0.0.1\": expected a list like [\"a\", \"b\"]."},
      {"[http]\nport=1\nport=2\n", ":3: http.port is given twice: expected once."},
      {"http {\nport=1\n}\n", ":1: \"http {\" is not understood: expected a line [http], then name=value lines."},
  };
  for (const auto& [text, fault] : rows) {
    CAPTURE(text);
    ini_file file(text);
    configuration c;
    const auto faults = c.load({file.argument()});
    CHECK(std::find(faults.begin(), faults.end(), file.path() + fault) != faults.end());
    if (faults.empty() || faults.front() != file.path() + fault) CHECK(faults == lines{file.path() + fault});
  }
}

TEST_CASE("a file that is missing or is no INI is named") {
  configuration missing;
  CHECK(missing.load({"--config-file=/nonexistent.ini"})
        == lines{"/nonexistent.ini: cannot be read: expected the file that --config-file names."});
  configuration folder;
  CHECK(folder.load({"--config-file=/tmp"}) == lines{"/tmp: cannot be read: expected the file that --config-file names."});
  ini_file file("[http]\n# no comment here\n");
  configuration broken;
  const auto faults = broken.load({file.argument()});
  REQUIRE(faults.size() == 1);
  CHECK(faults[0] == file.path() + ":2:2: is not understood: expected [section] lines, name=value lines and ';' comments.");
}

TEST_CASE("the command line is as strict as the file") {
  struct row {
    const char* argument;
    const char* fault;
  };
  const row rows[] = {
      {"--http.prot=1", "command line: --http.prot is no setting: expected one of those that --help lists."},
      {"--http.port=many", "command line: --http.port is \"many\": expected a whole number."},
      {"--http.port", "command line: --http.port has no value: expected --http.port=a whole number."},
      {"--sandbox=maybe", "command line: --sandbox is maybe: expected true or false."},
      {"serve", "command line: \"serve\" is not understood: expected --section.name=value."},
      {"--swaps.poll=fast", "command line: --swaps.poll is \"fast\": expected a duration like 500ms, 5s, 15min or 24h."},
  };
  for (const auto& [argument, fault] : rows) {
    CAPTURE(argument);
    configuration c;
    CHECK(c.load({argument}) == lines{fault});
  }
}

TEST_CASE("an allow-list is taken whole or not at all") {
  for (const char* wrong : {"1.2.3", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/8x", "::/129", "::g", "", "localhost"}) {
    CAPTURE(wrong);
    configuration c;
    CHECK(c.load({"--ipn.allow_list=[\"10.0.0.1\", \"" + std::string(wrong) + "\"]"}).size() == 1);
  }
  configuration good;
  CHECK(good.load({R"(--ipn.allow_list=["10.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32", "0.0.0.0/0"])"}).empty());
}

TEST_CASE("all faults are told at once") {
  configuration c;
  CHECK(c.load({"--http.port=70000", "--payments.min_tolerance=1.5", "--nope=1", "--changenow.base_url=ftp://x", "--log.level=loud",
                "--payouts.max_usd=-1", "--wallet.gas_float_high=0.001", "--telegram.rate=-5", "--cluster.advertise=nowhere", "--reconciliation.interval=5s"})
        == lines{
            "command line: --nope is no setting: expected one of those that --help lists.",
            "http.port is 70000: expected a whole number from 0 to 65535.",
            "cluster.advertise is \"nowhere\": expected HOST:PORT.",
            "log.level is \"loud\": expected one of debug, info, warning, error.",
            "changenow.base_url is \"ftp://x\": expected http://host or https://host, without a slash at the end.",
            "telegram.rate is -5: expected a whole number from 0 to 100000.",
            "payments.min_tolerance is \"1.5\": expected a share from 0 to 1 with at most 4 decimals, like \"0.50\".",
            "payouts.max_usd is \"-1\": expected an amount in USD, not negative, like \"12.50\".",
            "reconciliation.interval is 5s: expected a duration from 10min to 168h.",
            "wallet.gas_float_high is \"0.001\": expected at least wallet.gas_float_low.",
        });
}

TEST_CASE("shares are exact basis points") {
  for (const char* bad : {"0.50001", "50%", "", "-0.1", "1.0001", "0,5"}) {
    CAPTURE(bad);
    settings s;
    s.payments.min_tolerance = bad;
    CHECK(validate(s).size() == 1);
  }
  settings s;
  s.payments.min_tolerance = "0.0001";
  CHECK(policy_of(s, "").min_tolerance_bps == 1);
}

TEST_CASE("help lists every setting with default and sentence") {
  const auto help = help_text();
  settings defaults;
  for (const auto& entry : describe(defaults)) {
    CAPTURE(entry.key());
    CHECK(help.find("  " + entry.key() + " = " + value_text(entry)) != std::string::npos);
    CHECK(entry.sentence.ends_with('.'));
    CHECK(help.find(entry.sentence) != std::string::npos);
  }
  CHECK(help.find("payments.invite_validity = 24h  (duration)") != std::string::npos);
  configuration c;
  CHECK(c.load({"--help", "--nonsense"}) == lines{});
  CHECK(c.mode == run_mode::help);
}
