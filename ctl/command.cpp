#include "ctl/command.hpp"

#include <algorithm>
#include <cstdlib>
#include <istream>
#include <optional>
#include <sstream>

#include "ctl/verbs.hpp"

namespace paygate::ctl {

namespace {

using outcome = std::variant<command, usage>;

usage wrong(std::string text) { return {std::move(text) + "\nSee paygatectl --help.\n"}; }

std::vector<std::string> split_words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

/// Whether there is an option of that name in "--kind K --stuck", and whether it takes a value.
std::optional<bool> find_option(const std::string& options, const std::string& name) {
  const auto words = split_words(options);
  const auto at = std::find(words.begin(), words.end(), "--" + name);
  if (at == words.end()) return std::nullopt;
  return std::next(at) != words.end() && !std::next(at)->starts_with("--");
}

const std::string everywhere = "--address A --tls-dir D --json";
const std::string steering = "--reason T --dry-run";

/// The verb whose name the arguments begin with, after the tool's own options: the one with the most words.
const verb* find_verb(const std::vector<std::string>& words, std::size_t& length) {
  const verb* best = nullptr;
  for (const auto& v : verbs()) {
    const auto name = split_words(v.name);
    const auto fits = name.size() <= words.size() && std::equal(name.begin(), name.end(), words.begin());
    if (fits && (!best || name.size() > length)) best = &v, length = name.size();
  }
  return best;
}

struct reader {
  const std::vector<std::string>& arguments;
  std::size_t at = 0;
  std::string fault{};

  /// Reads the option at `at` into `into`; false when it is none of `options`.
  bool option(const std::string& options, std::map<std::string, std::string>& into) {
    auto name = arguments[at].substr(2);
    std::string value;
    const auto equals = name.find('=');
    const bool has_value = equals != name.npos;
    if (has_value) value = name.substr(equals + 1), name.resize(equals);
    const auto takes = find_option(options, name);
    if (!takes) return false;
    if (*takes && !has_value) {
      if (++at == arguments.size()) {
        fault = "--" + name + " needs a value";
        return true;
      }
      value = arguments[at];
    }
    into[name] = *takes ? value : "true";
    return true;
  }
};

/// The ids that stand for "-".
std::vector<std::string> ids_from(std::istream& input) {
  std::vector<std::string> ids;
  for (std::string line; std::getline(input, line);)
    if (const auto words = split_words(line); !words.empty()) ids.push_back(words.front());
  return ids;
}

outcome read_verb(const verb& v, given line, command c, std::istream& input) {
  if (split_words(v.words).size() != line.words.size())
    return wrong(std::string(v.name) + (*v.words ? " " + std::string(v.words) : std::string(" takes no further words")));
  if (v.does == verb_class::steer && line.option("reason").empty() && !line.has("dry-run"))
    return wrong(std::string(v.name) + " wants --reason TEXT");
  c.show = v.show;
  if (v.does == verb_class::local) {
    auto made = v.request(v, line);
    if (auto* bad = std::get_if<usage>(&made)) return std::move(*bad);
    c.answer = std::get<std::string>(std::move(made));
    return c;
  }
  std::vector<std::string> ids{std::string()};
  const bool several = v.does == verb_class::steer && !line.words.empty() && line.words.back() == "-";
  if (several) ids = ids_from(input);
  for (const auto& id : ids) {
    if (several) line.words.back() = id;
    auto made = v.request(v, line);
    if (auto* bad = std::get_if<usage>(&made)) return std::move(*bad);
    c.asks.push_back({std::get<std::string>(std::move(made)), id});
    if (std::string_view(v.asks) == "resolve_exception" && !several) c.asks.back().id = line.words.back();
  }
  c.reconciles = std::string_view(v.name).starts_with("reconcile") && v.asks != std::string_view("exceptions") && !line.has("dry-run");
  return c;
}

} // namespace

outcome read_command(const std::vector<std::string>& arguments, std::istream& input) {
  for (const auto& a : arguments)
    if (a == "--help" || a == "-h") return usage{help_text(), true};
  std::map<std::string, std::string> own;
  reader r{arguments};
  for (; r.at < arguments.size() && arguments[r.at].starts_with("--"); ++r.at) {
    if (!r.option(everywhere, own)) return wrong("there is no option " + arguments[r.at] + " before the verb");
    if (!r.fault.empty()) return wrong(r.fault);
  }
  if (r.at == arguments.size()) return wrong("a verb is needed");
  std::size_t length = 0;
  const auto* v = find_verb({arguments.begin() + static_cast<std::ptrdiff_t>(r.at), arguments.end()}, length);
  if (!v) return wrong("there is no verb \"" + arguments[r.at] + (r.at + 1 < arguments.size() ? " " + arguments[r.at + 1] : "") + "\"");
  given line;
  const auto known = std::string(v->options) + (v->does == verb_class::steer ? " " + steering : "");
  for (r.at += length; r.at < arguments.size(); ++r.at) {
    if (!arguments[r.at].starts_with("--")) {
      line.words.push_back(arguments[r.at]);
      continue;
    }
    // A verb's own option comes first: the address of a refund is not the daemon's.
    if (!r.option(known, line.options) && !r.option(everywhere, own))
      return wrong("there is no option " + arguments[r.at] + " for " + v->name);
    if (!r.fault.empty()) return wrong(r.fault);
  }
  command c;
  if (const char* env = std::getenv("PAYGATE_CTL_ADDRESS")) c.address = env;
  if (own.count("address")) c.address = own["address"];
  if (const char* env = std::getenv("PAYGATE_CTL_TLS_DIR")) c.tls_dir = env;
  if (own.count("tls-dir")) c.tls_dir = own["tls-dir"];
  c.json = own.count("json") != 0;
  c.follow = line.has("follow");
  return read_verb(*v, std::move(line), std::move(c), input);
}

} // namespace paygate::ctl
