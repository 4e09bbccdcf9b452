#include "ctl/command.hpp"

#include <algorithm>
#include <cstdlib>
#include <istream>
#include <optional>

#include "ctl/help.hpp"
#include "ctl/shows.hpp"
#include "ctl/verbs.hpp"

namespace paygate::ctl {

namespace {

using outcome = std::variant<command, usage>;

usage wrong(std::string text) { return {std::move(text) + "\nSee paygatectl --help.\n"}; }

/// Whether there is an option of that name in "--kind K --stuck", and whether it takes a value.
std::optional<bool> find_option(const std::string& options, const std::string& name) {
  const auto words = split_words(options);
  const auto at = std::find(words.begin(), words.end(), "--" + name);
  if (at == words.end()) return std::nullopt;
  return std::next(at) != words.end() && !std::next(at)->starts_with("--");
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

/// The ids that stand for "-": the first word of each line, or both of "KIND ID".
std::vector<std::string> ids_from(std::istream& input, bool with_kind) {
  std::vector<std::string> ids;
  for (std::string line; std::getline(input, line);) {
    const auto words = split_words(line);
    if (words.empty()) continue;
    const bool apart = with_kind && words.size() > 1 && words[0].find('/') == std::string::npos;
    ids.push_back(apart ? words[0] + "/" + words[1] : words[0]);
  }
  return ids;
}

/// "payout/01X" as the two words that a verb about an entity wants. With `kind` the id alone will do, but not another kind.
std::optional<std::vector<std::string>> as_kind_and_id(const std::string& word, const std::string& kind) {
  const auto slash = word.find('/');
  if (slash == word.npos) {
    if (kind.empty()) return std::nullopt;
    return std::vector{kind, word};
  }
  if (!kind.empty() && word.compare(0, slash, kind) != 0) return std::nullopt;
  return std::vector{word.substr(0, slash), word.substr(slash + 1)};
}

/// The command lines that this one stands for: one, or one for each id of the input. What is wrong, or nothing.
std::optional<usage> spread(const verb& v, const given& line, std::istream& input, std::vector<std::pair<std::string, given>>& into) {
  const bool entity = std::string_view(v.words) == "KIND ID";
  const auto wanted = split_words(v.words).size();
  const auto told = line.words.size();
  const bool several = v.does == verb_class::steer && told != 0 && line.words.back() == "-";
  if (told != wanted && !(entity && told == 1))
    return wrong(std::string(v.name) + (*v.words ? " " + std::string(v.words) : std::string(" takes no further words")));
  if (!several && !(entity && told == 1)) {
    into.push_back({{}, line});
    return std::nullopt;
  }
  const auto kind = entity && told == 2 ? line.words[0] : std::string();
  for (const auto& id : several ? ids_from(input, entity && kind.empty()) : std::vector{line.words[0]}) {
    auto one = line;
    if (entity) {
      auto words = as_kind_and_id(id, kind);
      if (!words) return wrong("\"" + id + "\" is not of the form KIND/ID" + (kind.empty() ? "" : " of a " + kind));
      one.words = std::move(*words);
    } else
      one.words.back() = id;
    into.push_back({several ? id : std::string(), std::move(one)});
  }
  return std::nullopt;
}

outcome read_verb(const verb& v, const given& line, command c, std::istream& input) {
  const bool over_many = line.has("all") && goes_over_many(v);
  if (v.does == verb_class::steer && line.option("reason").empty() && !line.has("dry-run"))
    return wrong(std::string(v.name) + " wants --reason TEXT");
  if (goes_over_many(v) && !over_many)
    for (const auto* filter : {"kind", "state", "stuck", "reason-is", "node"})
      if (line.has(filter)) return wrong("--" + std::string(filter) + " is for " + v.name + " --all");
  c.show = v.show;
  c.ids = v.ids;
  c.does = v.then;
  if (c.output == output_form::ids && !*v.ids) return wrong(std::string(v.name) + " has no ids to print");
  std::vector<std::pair<std::string, given>> lines;
  if (over_many) {
    if (!line.words.empty()) return wrong(std::string(v.name) + " --all names no id");
    lines.push_back({{}, line});
    c.does = flow::sweep;
    c.show = show_job;
  } else if (auto bad = spread(v, line, input, lines))
    return std::move(*bad);
  for (const auto& [id, one] : lines) {
    auto made = v.request(v, one);
    if (auto* bad = std::get_if<usage>(&made)) return std::move(*bad);
    if (v.does == verb_class::local)
      c.answer = std::get<std::string>(std::move(made));
    else
      c.asks.push_back({std::get<std::string>(std::move(made)), id});
    if (std::string_view(v.asks) == "resolve_exception" && id.empty()) c.asks.back().id = one.words.back();
  }
  if (c.does == flow::pages || c.does == flow::tail) {
    auto made = arguments_of(line, false);
    if (auto* bad = std::get_if<usage>(&made)) return std::move(*bad);
    c.arguments = std::get<std::string>(std::move(made));
    c.limit = line.has("limit") ? static_cast<std::size_t>(std::atoi(line.option("limit").c_str())) : 0;
  }
  const bool follows = line.has("follow");
  if ((c.does == flow::tail || c.does == flow::top) && !follows) c.does = flow::once;
  // What a verb over many would do is found out by a job as well.
  if ((c.does == flow::drain || c.does == flow::reconcile) && line.has("dry-run")) c.does = flow::once;
  if (c.does == flow::drain && line.has("no-wait")) c.does = flow::once;
  if (line.has("shards")) c.show = show_tree_with_shards;
  return c;
}

/// --help and its like: answered before anything else is looked at.
std::optional<usage> asked_for(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto& a = arguments[i];
    if (a == "--help" || a == "-h") return usage{help_text(), true};
    if (a == "--man") return usage{man_text(), true};
    if (a == "--completion") {
      if (i + 1 < arguments.size() && arguments[i + 1] == "bash") return usage{bash_completion(), true};
      return wrong("--completion is for bash");
    }
    if (!a.starts_with("--")) break;
  }
  if (!arguments.empty() && std::find(arguments.begin(), arguments.end(), "--help") != arguments.end()) return usage{help_text(), true};
  return std::nullopt;
}

} // namespace

outcome read_command(const std::vector<std::string>& arguments, std::istream& input) {
  if (auto text = asked_for(arguments)) return std::move(*text);
  std::map<std::string, std::string> own;
  reader r{arguments};
  for (; r.at < arguments.size() && arguments[r.at].starts_with("--"); ++r.at) {
    if (!r.option(everywhere_options, own)) return wrong("there is no option " + arguments[r.at] + " before the verb");
    if (!r.fault.empty()) return wrong(r.fault);
  }
  if (r.at == arguments.size()) return wrong("a verb is needed");
  std::size_t length = 0;
  const auto* v = find_verb({arguments.begin() + static_cast<std::ptrdiff_t>(r.at), arguments.end()}, length);
  if (!v) return wrong("there is no verb \"" + arguments[r.at] + (r.at + 1 < arguments.size() ? " " + arguments[r.at + 1] : "") + "\"");
  given line;
  const auto known = std::string(v->options) + (v->does == verb_class::steer ? " " + std::string(steering_options) : "");
  for (r.at += length; r.at < arguments.size(); ++r.at) {
    if (!arguments[r.at].starts_with("--")) {
      line.words.push_back(arguments[r.at]);
      continue;
    }
    // A verb's own option comes first: the address of a refund is not the daemon's.
    if (!r.option(known, line.options) && !r.option(everywhere_options, own))
      return wrong("there is no option " + arguments[r.at] + " for " + v->name);
    if (!r.fault.empty()) return wrong(r.fault);
  }
  command c;
  if (const char* env = std::getenv("PAYGATE_CTL_ADDRESS")) c.address = env;
  if (own.count("address")) c.address = own["address"];
  if (const char* env = std::getenv("PAYGATE_CTL_TLS_DIR")) c.tls_dir = env;
  if (own.count("tls-dir")) c.tls_dir = own["tls-dir"];
  if (own.count("json")) c.output = output_form::json;
  if (own.count("output")) {
    const auto& form = own["output"];
    if (form != "table" && form != "json" && form != "ids") return wrong("--output is table, json or ids");
    c.output = form == "json" ? output_form::json : form == "ids" ? output_form::ids : output_form::table;
  }
  return read_verb(*v, line, std::move(c), input);
}

} // namespace paygate::ctl
