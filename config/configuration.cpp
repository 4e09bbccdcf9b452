#include "config/configuration.hpp"

#include <algorithm>
#include <set>
#include <sstream>
#include <thread>

#include <caf/atom.hpp>
#include <caf/config_value.hpp>
#include <caf/deep_to_string.hpp>

#include "config/read_file.hpp"

namespace paygate {

namespace {

std::string expected_text(std::string_view type) {
  if (type == "string" || type == "std::string") return "text in double quotes";
  if (type.starts_with("bool")) return "true or false";
  if (type.starts_with("timespan")) return "a duration like 500ms, 5s, 15min or 24h";
  if (type.starts_with("list") || type.find("vector") != type.npos) return "a list like [\"a\", \"b\"]";
  if (type.starts_with("int") || type.starts_with("uint")) return "a whole number";
  return std::string(type);
}

std::string expected_text(const caf::config_option& option) {
  const auto type = option.type_name();
  return expected_text(std::string_view(type.data(), type.size()));
}

// ":2:9" out of CAF's words for where its parser stopped: ... {"column" = 9, "line" = 2} ...
std::string place_of(const std::string& words) {
  std::string place;
  for (const char* name : {"\"line\" = ", "\"column\" = "})
    if (const auto at = words.find(name); at != words.npos) {
      const auto digits = at + std::string_view(name).size();
      place += ":" + words.substr(digits, words.find_first_not_of("0123456789", digits) - digits);
    }
  return place;
}

std::string_view strip(std::string_view line) {
  const auto first = line.find_first_not_of(" \t\r");
  if (first == line.npos) return {};
  return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

// What CAF's parser takes but does not do as written: blocks in braces (a second one is lost) and a key given twice (the first wins).
void find_traps(const std::string& path, const std::string& text, std::vector<std::string>& faults) {
  std::istringstream lines(text);
  std::string raw, section;
  std::set<std::string> seen;
  int depth = 0;
  for (int number = 1; std::getline(lines, raw); ++number) {
    const auto line = strip(std::string_view(raw).substr(0, std::string_view(raw).find(';')));
    if (line.empty()) continue;
    const auto where = path + ":" + std::to_string(number) + ": ";
    const auto equals = line.find('=');
    if (depth == 0 && line.front() == '[' && line.back() == ']' && equals == line.npos) {
      section = std::string(strip(line.substr(1, line.size() - 2))) + ".";
      continue;
    }
    const auto brace = line.find('{');
    if (depth == 0 && brace != line.npos && brace < equals) {
      const auto name = std::string(strip(line.substr(0, brace)));
      faults.push_back(where + "\"" + name + " {\" is not understood: expected a line [" + name + "], then name=value lines.");
    }
    if (depth == 0 && equals != line.npos && brace >= equals) {
      auto key = section + std::string(strip(line.substr(0, equals)));
      if (!seen.insert(key).second) faults.push_back(where + key + " is given twice: expected once.");
    }
    bool quoted = false;
    for (char c : line) {
      if (c == '"') quoted = !quoted;
      if (quoted) continue;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
    }
  }
}

} // namespace

configuration::configuration() {
  config_file_path = ""; // Else ./caf-application.ini of the working directory is read.
  for (const auto& entry : describe(values))
    std::visit(
        [&](auto* value) { custom_options_.add(*value, entry.section.empty() ? "global" : entry.section, entry.name, entry.sentence); },
        entry.value);
}

std::vector<std::string> configuration::load(int argc, char** argv) {
  return load(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}

std::vector<std::string> configuration::load(const std::vector<std::string>& arguments) {
  std::vector<std::string> faults, rest;
  for (const auto& argument : arguments) {
    if (argument == "--help" || argument == "-h")
      mode = run_mode::help;
    else if (argument == "--version")
      mode = run_mode::version;
    else if (argument == "--check")
      mode = mode == run_mode::run ? run_mode::check : mode;
    else if (argument == "--wallet-address")
      mode = mode == run_mode::run ? run_mode::wallet_address : mode;
    else if (argument.starts_with("--config-file="))
      file = argument.substr(14);
    else
      rest.push_back(argument);
  }
  if (mode == run_mode::help || mode == run_mode::version) return faults;
  if (!file.empty()) load_file(file, faults);
  for (const auto& argument : rest) load_argument(argument, faults);
  for (auto& fault : validate(values)) faults.push_back(std::move(fault));

  // CAF's defaults are not ours: work stealing burns an idle core, and an actor may run without end (caf-0.17-notes 0).
  auto unless_given = [this](const char* name, auto value) {
    if (!caf::get_if(&content, name)) caf::put(content, name, value);
  };
  unless_given("scheduler.policy", caf::atom("sharing"));
  unless_given("scheduler.max-throughput", std::size_t{100});
  // Entities' steps are short. Committers, HTTP, the link and PostgreSQL want processors, too, and each further thread is woken for nothing.
  const auto threads = values.runtime.threads > 0 ? static_cast<unsigned>(values.runtime.threads) : std::thread::hardware_concurrency() / 2;
  unless_given("scheduler.max-threads", static_cast<std::size_t>(std::max(threads, 1u)));
  // Messages of other nodes are read where they arrive: another thread would have to be woken for each.
  unless_given("middleman.workers", std::size_t{0});
  unless_given("middleman.heartbeat-interval", caf::timespan(std::chrono::seconds(1)));
  unless_given("middleman.connection-timeout", caf::timespan(std::chrono::seconds(5)));
  return faults;
}

void configuration::load_file(const std::string& path, std::vector<std::string>& faults) {
  const auto text = read_file(path);
  if (!text) {
    faults.push_back(path + ": cannot be read: expected the file that --config-file names.");
    return;
  }
  find_traps(path, *text, faults);
  std::istringstream source(*text);
  const auto raw = parse_config(source);
  if (!raw) {
    faults.push_back(path + place_of(render(raw.error()))
                     + ": is not understood: expected [section] lines, name=value lines and ';' comments.");
    return;
  }
  store_section(path, *raw, "", faults);
}

void configuration::store_section(const std::string& path, const caf::settings& section, const std::string& prefix,
                                  std::vector<std::string>& faults) {
  const std::string category = prefix.empty() ? "global" : prefix;
  for (const auto& [key, value] : section) {
    const std::string part(key.data(), key.size());
    const auto name = category == "global" ? part : category + "." + part;
    const auto nested = caf::get_if<caf::settings>(&value);
    if (const auto option = custom_options_.qualified_name_lookup(category, part)) {
      if (option->check(value)) {
        faults.push_back(path + ": " + name + " is " + caf::deep_to_string(value) + ": expected " + expected_text(*option) + ".");
        continue;
      }
      // CAF's own options without a variable live in `content` alone.
      if (option->get()) option->store(value);
      caf::put(content, name, value);
    } else if (nested) {
      store_section(path, *nested, name, faults);
    } else {
      faults.push_back(path + ": " + name + " is no setting: expected one of those that --help lists.");
    }
  }
}

void configuration::load_argument(const std::string& argument, std::vector<std::string>& faults) {
  const std::string where = "command line: ";
  if (!argument.starts_with("--") || argument.size() < 3) {
    faults.push_back(where + "\"" + argument + "\" is not understood: expected --section.name=value.");
    return;
  }
  const auto equals = argument.find('=');
  const auto name = argument.substr(2, equals == argument.npos ? argument.npos : equals - 2);
  const auto dot = name.rfind('.');
  const auto option = dot == name.npos ? custom_options_.qualified_name_lookup("global", name)
                                       : custom_options_.qualified_name_lookup(name.substr(0, dot), name.substr(dot + 1));
  if (option == nullptr) {
    faults.push_back(where + "--" + name + " is no setting: expected one of those that --help lists.");
    return;
  }
  if (option->is_flag()) {
    const auto text = equals == argument.npos ? "true" : argument.substr(equals + 1);
    if (text != "true" && text != "false") {
      faults.push_back(where + "--" + name + " is " + text + ": expected true or false.");
      return;
    }
    const caf::config_value value{text == "true"};
    if (option->get()) option->store(value);
    caf::put(content, name, value);
    return;
  }
  if (equals == argument.npos) {
    faults.push_back(where + "--" + name + " has no value: expected --" + name + "=" + expected_text(*option) + ".");
    return;
  }
  // parse() writes into the variable even when it fails, so the old value is put back: later faults are then about what was given there.
  const auto before = option->get();
  const auto text = argument.substr(equals + 1);
  auto value = option->parse(text);
  if (!value) {
    if (before) option->store(*before);
    faults.push_back(where + "--" + name + " is \"" + text + "\": expected " + expected_text(*option) + ".");
    return;
  }
  caf::put(content, name, *value);
}

} // namespace paygate
