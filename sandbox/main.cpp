#include <csignal>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <string>

#include "sandbox/json.hpp"
#include "sandbox/server.hpp"

namespace {

constexpr auto help = R"(paygate-sandbox: stand-ins for NOWPayments, ChangeNOW, Telegram, SendGrid and price sources.

  --port N               0 (default): a free one; it is printed and written to --port-file
  --bind ADDRESS         default 127.0.0.1
  --port-file FILE
  --public-url URL       under which a browser reaches this program
  --rpc-url URL          the Ethereum node (anvil); without it no transfer is real
  --hot-wallet 0x...     where NOWPayments sends what it took
  --daemon-url URL       where /control/clock is passed on to
  --secrets-dir DIR      a file per secret: NOWPAYMENTS_IPN_SECRET, NOWPAYMENTS_API_KEY, NOWPAYMENTS_EMAIL, NOWPAYMENTS_PASSWORD,
                         CHANGENOW_API_KEY, CHANGENOW_PRIVATE_KEY, TELEGRAM_BOT_TOKEN, SENDGRID_API_KEY; those present are checked
  --ipn-secret-file FILE the same for the IPN secret alone
  --bot-name NAME        default paygate_bot
  --ipn-delay MS         between two IPNs of one payment (0)
  --ipn-tries N          3
  --ipn-interval MS      between two tries of one IPN (500)
  --stage MS             each step of a swap (300)
  --swap-validity S      in which the deposit has to come (1200)
  --rate-validity S      in which a rateId can be used (600)
  --auto-chats on|off    unknown negative chat ids become channels with the bot as administrator (on)
  --usdt-token 0x...     ERC-20 contract of usdt/eth, 6 decimals
  --token TICKER=0x...   ERC-20 contract of another coin on eth, 18 decimals, that is paid out on the chain
  --usdt-treasury 0x...  unlocked account that holds such tokens
)";

/// Without the line break at its end; false: not readable.
bool read_text(const std::string& path, std::string& into) {
  std::ifstream file(path);
  if (!file) return false;
  std::string text{std::istreambuf_iterator<char>(file), {}};
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
  into = text;
  return true;
}

void read_secrets(const std::string& folder, sandbox::settings& set) {
  read_text(folder + "/NOWPAYMENTS_IPN_SECRET", set.ipn_secret);
  read_text(folder + "/NOWPAYMENTS_API_KEY", set.nowpayments_key);
  read_text(folder + "/NOWPAYMENTS_EMAIL", set.nowpayments_email);
  read_text(folder + "/NOWPAYMENTS_PASSWORD", set.nowpayments_password);
  read_text(folder + "/CHANGENOW_API_KEY", set.changenow_key);
  read_text(folder + "/CHANGENOW_PRIVATE_KEY", set.changenow_private_key);
  read_text(folder + "/TELEGRAM_BOT_TOKEN", set.telegram_token);
  read_text(folder + "/SENDGRID_API_KEY", set.sendgrid_key);
}

/// False, with a sentence on stderr, at the first option that is not understood.
bool read_options(int argc, char** argv, sandbox::settings& set) {
  const std::map<std::string, std::string*> texts = {
      {"--bind", &set.bind},         {"--port-file", &set.port_file},   {"--public-url", &set.public_url},
      {"--rpc-url", &set.rpc_url},   {"--hot-wallet", &set.hot_wallet}, {"--daemon-url", &set.daemon_url},
      {"--bot-name", &set.bot_name}, {"--usdt-token", &set.usdt_token}, {"--usdt-treasury", &set.usdt_treasury}};
  const std::map<std::string, int*> numbers = {{"--port", &set.port},
                                               {"--ipn-delay", &set.ipn_delay_ms},
                                               {"--ipn-tries", &set.ipn_tries},
                                               {"--ipn-interval", &set.ipn_interval_ms},
                                               {"--stage", &set.stage_ms},
                                               {"--swap-validity", &set.swap_validity_s},
                                               {"--rate-validity", &set.rate_validity_s}};
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 >= argc) {
      std::cerr << "paygate-sandbox: " << name << " needs a value\n";
      return false;
    }
    const std::string value = argv[i + 1];
    if (const auto split = value.find('='); name == "--token" && split != value.npos) {
      set.tokens[value.substr(0, split)] = value.substr(split + 1);
    } else if (const auto text = texts.find(name); text != texts.end()) {
      *text->second = value;
    } else if (const auto number = numbers.find(name); number != numbers.end()) {
      const auto parsed = sandbox::json(value).integer();
      if (!parsed || *parsed < 0 || *parsed > 1'000'000'000) {
        std::cerr << "paygate-sandbox: " << name << " is no number: " << value << "\n";
        return false;
      }
      *number->second = static_cast<int>(*parsed);
    } else if (name == "--secrets-dir") {
      read_secrets(value, set);
    } else if (name == "--ipn-secret-file") {
      if (!read_text(value, set.ipn_secret)) {
        std::cerr << "paygate-sandbox: cannot read " << value << "\n";
        return false;
      }
    } else if (name == "--auto-chats" && (value == "on" || value == "off")) {
      set.auto_chats = value == "on";
    } else {
      std::cerr << "paygate-sandbox: unknown option " << name << " " << value << " (see --help)\n";
      return false;
    }
  }
  return true;
}

} // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--help") {
    std::cout << help;
    return 0;
  }
  sandbox::settings set;
  if (!read_options(argc, argv, set)) return 2;
  // Blocked before any thread exists, so that sigwait below is the only one to see them.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  const std::string port_file = set.port_file;
  sandbox::server server(std::move(set));
  if (!server.start()) {
    std::cerr << "paygate-sandbox: cannot listen on this address and port\n";
    return 1;
  }
  if (!port_file.empty()) {
    // Renamed into place, so that nobody reads half of it.
    std::ofstream(port_file + ".new") << server.port() << "\n";
    std::rename((port_file + ".new").c_str(), port_file.c_str());
  }
  std::cout << "listening on " << server.port() << std::endl;
  int signal = 0;
  sigwait(&ends, &signal);
  server.stop();
  return 0;
}
