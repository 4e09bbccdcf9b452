#include "ctl/help.hpp"

#include <set>

#include "ctl/exit_codes.hpp"
#include "ctl/verbs.hpp"
#include "messages/ids.hpp"
#include "messages/io.hpp"

namespace paygate::ctl {

namespace {

constexpr auto look = verb_class::look, steer = verb_class::steer, local = verb_class::local;

const char* heading(verb_class group) {
  switch (group) {
  case look: return "Look";
  case local: return "Without a daemon";
  case steer: return "Steer";
  }
  return "";
}

const char* about(verb_class group) {
  switch (group) {
  case look: return "These change nothing.";
  case local: return "The tool answers itself.";
  case steer:
    return "Each wants --reason TEXT; each is written to the audit log before it is done, and what came of it after; --dry-run says what "
           "it would do "
           "and changes nothing; \"-\" instead of the id: ids from standard input, one a line; --all: of all that the filter fits, done by "
           "the daemon.";
  }
  return "";
}

template <class List>
std::string joined(const List& list, const char* prefix = "") {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : " ") + std::string(prefix) + std::string(item);
  return text;
}

/// A text in troff: what it would take for its own is escaped.
std::string troff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '-') out += '\\';
    out += c;
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

std::string line_of(const verb& v) {
  std::string line = v.name;
  for (const auto* part : {v.words, v.options})
    if (*part) line += " " + std::string(part);
  return line;
}

/// Folded behind a margin.
std::string folded(const std::string& text, std::size_t width, const std::string& margin) {
  std::string out, line;
  for (const auto& word : split_words(text)) {
    if (!line.empty() && line.size() + 1 + word.size() > width) out += line + "\n" + margin, line.clear();
    line += (line.empty() ? "" : " ") + word;
  }
  return out + line;
}

} // namespace

std::string help_text() {
  std::string text = "paygatectl: looks inside running paygated and steers them.\n\n"
                     "  paygatectl [--address HOST:PORT] [--tls-dir DIR] [--output table|json|ids] VERB ...\n";
  for (const auto group : {look, local, steer}) {
    text += "\n" + std::string(heading(group)) + "\n" + folded(about(group), 110, "") + "\n";
    for (const auto& v : verbs()) {
      if (v.does != group) continue;
      const auto line = "  " + line_of(v);
      text += line + (line.size() < 56 ? std::string(57 - line.size(), ' ') : "\n" + std::string(57, ' ')) + v.help + "\n";
    }
  }
  text += "\nKIND ID may be written KIND/ID; --output ids prints them so: paygatectl actors --stuck --output ids | paygatectl retry - "
          "--reason TEXT\n"
          "Kinds: "
          + joined(enum_names<entity_kind>::values) + "\nLanes: " + joined(enum_names<lane>::values)
          + "\nThe default address is that of PAYGATE_CTL_ADDRESS, else 127.0.0.1:4242; give --address before the verb.\n"
            "DIR has ca.pem, cert.pem and key.pem of an operator (deploy/certificates); the default is PAYGATE_CTL_TLS_DIR. --json is --output json.\n"
            "--completion bash prints a completion script, --man the manual page.\n\nExit codes, with several ids the highest:\n";
  for (const auto& [code, meaning] : exit_meanings) text += "  " + std::to_string(code) + "  " + meaning + "\n";
  return text;
}

std::string man_text() {
  std::string text = ".TH PAYGATECTL 1\n.SH NAME\npaygatectl \\- looks inside running paygated and steers them\n.SH SYNOPSIS\n"
                     ".B paygatectl\n[\\-\\-address HOST:PORT] [\\-\\-tls\\-dir DIR] [\\-\\-output table|json|ids] VERB ...\n.SH DESCRIPTION\n"
                     "Asks any node of a cluster; the answer is about all of them. KIND ID may be written KIND/ID.\n";
  for (const auto group : {look, local, steer}) {
    text += ".SH \"" + std::string(heading(group)) + "\"\n" + troff(about(group)) + "\n";
    for (const auto& v : verbs())
      if (v.does == group) text += ".TP\n.B " + troff(line_of(v)) + "\n" + troff(v.help) + "\n";
  }
  text += ".SH OPTIONS\n.TP\n.B \\-\\-address HOST:PORT\nThe daemon that is asked; else that of PAYGATE_CTL_ADDRESS, else 127.0.0.1:4242.\n"
          ".TP\n.B \\-\\-tls\\-dir DIR\nThe operator's ca.pem, cert.pem and key.pem; else that of PAYGATE_CTL_TLS_DIR.\n"
          ".TP\n.B \\-\\-output table|json|ids\nHow answers are printed; \\-\\-json is \\-\\-output json.\n"
          ".TP\n.B \\-\\-completion bash\nPrints a completion script.\n.TP\n.B \\-\\-man\nPrints this page.\n.SH \"EXIT STATUS\"\n";
  for (const auto& [code, meaning] : exit_meanings) text += ".TP\n.B " + std::to_string(code) + "\n" + troff(meaning) + "\n";
  return text
         + ".SH EXAMPLES\n.nf\npaygatectl actors \\-\\-stuck \\-\\-output ids | paygatectl retry \\- \\-\\-reason \"provider is back\"\n"
           "paygatectl retry \\-\\-all \\-\\-reason\\-is \"invoice: http_503\" \\-\\-reason \"provider is back\"\n"
           "paygatectl pause payouts \\-\\-reason \"rates look odd\"\n.fi\n";
}

std::string bash_completion() {
  std::set<std::string> firsts;
  for (const auto& v : verbs()) firsts.insert(split_words(v.name).front());
  std::string cases;
  for (const auto& v : verbs()) {
    const auto steering = v.does == steer ? " " + std::string(steering_options) : std::string();
    std::string flags;
    for (const auto& word : split_words(v.options + steering + " " + everywhere_options))
      if (word.starts_with("--")) flags += (flags.empty() ? "" : " ") + word;
    std::string words;
    if (std::string_view(v.words) == "KIND ID")
      words = "$kinds";
    else if (std::string_view(v.words) == "WHAT")
      words = "payouts $paused";
    else if (std::string_view(v.words) == "LEVEL")
      words = "debug info warning error";
    else if (std::string_view(v.words) == "SCHEDULER")
      words = "conversions payouts";
    cases += "    \"" + std::string(v.name) + "\") options=\"" + flags + "\"; words=\"" + words + "\" ;;\n";
  }
  std::string seconds;
  for (const auto& first : firsts) {
    std::string after;
    for (const auto& v : verbs())
      if (const auto name = split_words(v.name); name.size() == 2 && name[0] == first) after += (after.empty() ? "" : " ") + name[1];
    if (!after.empty()) seconds += "    \"" + first + "\") seconds=\"" + after + "\" ;;\n";
  }
  return "# bash completion of paygatectl; made by: paygatectl --completion bash\n_paygatectl() {\n"
         "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb= options= words= seconds= plain=() i\n"
         "  local kinds=\""
         + joined(enum_names<entity_kind>::values) + "\"\n  local paused=\"" + joined(enum_names<entity_kind>::values, "kind/") + " "
         + joined(enum_names<lane>::values, "lane/")
         + "\"\n"
           "  case $prev in\n    --kind) COMPREPLY=($(compgen -W \"$kinds\" -- \"$cur\")); return ;;\n"
           "    --output) COMPREPLY=($(compgen -W \"table json ids\" -- \"$cur\")); return ;;\n"
           "    --as) COMPREPLY=($(compgen -W \"float gas loss unattributed explained\" -- \"$cur\")); return ;;\n"
           "    --file) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n  esac\n"
           "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "    case ${COMP_WORDS[i]} in\n      --address|--output|--tls-dir) [[ ${#plain[@]} -eq 0 ]] && ((i++)) ;;\n      --*) ;;\n      *) "
           "plain+=(\"${COMP_WORDS[i]}\") ;;\n"
           "    esac\n  done\n"
           "  if [[ ${#plain[@]} -eq 0 ]]; then\n"
           "    COMPREPLY=($(compgen -W \""
         + joined(firsts)
         + " --address --tls-dir --output --json --help --man --completion\" -- \"$cur\"))\n    return\n  fi\n"
           "  case ${plain[0]} in\n"
         + seconds
         + "  esac\n"
           "  for verb in \"${plain[0]} ${plain[1]}\" \"${plain[0]}\"; do\n    case $verb in\n"
         + cases
         + "    esac\n    [[ -n $options ]] && break\n  done\n"
           "  [[ ${#plain[@]} -eq 1 && $cur != -* ]] && words=\"$words $seconds\"\n"
           "  if [[ $cur == -* ]]; then words=$options; fi\n"
           "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -F _paygatectl paygatectl\n";
}

} // namespace paygate::ctl
