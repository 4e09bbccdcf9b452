#include "ctl/print.hpp"

#include <algorithm>

#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>

namespace paygate::ctl {

namespace {

const rapidjson::Value* member(const rapidjson::Value& object, const std::string& name) {
  if (!object.IsObject()) return nullptr;
  const auto found = object.FindMember(name.c_str());
  return found == object.MemberEnd() ? nullptr : &found->value;
}

std::string member_text(const rapidjson::Value& object, const std::string& name) {
  const auto* value = member(object, name);
  return value ? plain(*value) : std::string();
}

// Characters, not bytes: continuation bytes of UTF-8 take no place.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// Nothing from a database may steer the terminal: neither by control characters, nor by those that turn the direction of writing.
std::string without_controls(std::string text) {
  const auto at = [&text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool c0 = at(i) < 0x20 || at(i) == 0x7f;
    const bool c1 = at(i) == 0xc2 && at(i + 1) >= 0x80 && at(i + 1) < 0xa0;
    const bool turns =
        at(i) == 0xe2
        && ((at(i + 1) == 0x80 && at(i + 2) >= 0xaa && at(i + 2) <= 0xae) || (at(i + 1) == 0x81 && at(i + 2) >= 0xa6 && at(i + 2) <= 0xa9));
    if (c0 || c1 || turns) text.replace(i, turns ? 3 : c1 ? 2 : 1, 1, ' ');
  }
  return text;
}

std::string members(const rapidjson::Value& object, const std::string& indent) {
  std::string text;
  std::size_t widest = 0;
  for (auto m = object.MemberBegin(); m != object.MemberEnd(); ++m)
    widest = std::max(widest, static_cast<std::size_t>(m->name.GetStringLength()));
  for (auto m = object.MemberBegin(); m != object.MemberEnd(); ++m) {
    const auto value = plain(m->value);
    if (value.empty()) continue;
    const std::string name = m->name.GetString();
    text += indent + name + std::string(widest - name.size() + 2, ' ') + value + "\n";
  }
  return text;
}

} // namespace

std::string pretty(const rapidjson::Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::PrettyWriter<rapidjson::StringBuffer> out(buffer);
  out.SetIndent(' ', 2);
  value.Accept(out);
  return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

std::string plain(const rapidjson::Value& value) {
  if (value.IsNull()) return {};
  if (value.IsString()) return without_controls({value.GetString(), value.GetStringLength()});
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  value.Accept(out);
  return without_controls({buffer.GetString(), buffer.GetSize()});
}

std::string table(const rapidjson::Value& list, const std::vector<std::string>& columns) {
  if (!list.IsArray()) return plain(list) + "\n";
  std::vector<std::vector<std::string>> rows{columns};
  for (const auto& item : list.GetArray()) {
    std::vector<std::string> row;
    for (const auto& column : columns) row.push_back(member_text(item, column));
    rows.push_back(std::move(row));
  }
  std::vector<std::size_t> widths(columns.size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      text += row[i] + (i + 1 == row.size() ? "" : std::string(widths[i] - width(row[i]) + 2, ' '));
    text += "\n";
  }
  return text;
}

std::string wallet_sheet(const rapidjson::Value& answer) {
  std::string text;
  if (!answer.IsArray()) return text;
  const auto member = [](const rapidjson::Value& of, const char* name) -> const rapidjson::Value& {
    static const rapidjson::Value none;
    const auto found = of.FindMember(name);
    return found == of.MemberEnd() ? none : found->value;
  };
  for (const auto& w : answer.GetArray()) {
    for (const auto* name :
         {"address", "status", "alert", "float_alert", "next_nonce", "chain_nonce", "gas_float_eth", "owed_eth", "ledger_eth"})
      text += std::string(name) + std::string(15 - std::string_view(name).size(), ' ') + plain(member(w, name)) + "\n";
    const auto& transfers = member(w, "transfers");
    if (transfers.IsArray() && !transfers.Empty())
      text += "\ntransfers under way\n"
              + table(transfers, {"intent", "status", "nonce", "value_eth", "value_usdt", "recipient", "hash", "held"});
    const auto& foreign = member(w, "foreign");
    if (foreign.IsArray() && !foreign.Empty())
      text += "\nnonces used by a transaction that we did not know\n"
              + table(foreign, {"nonce", "hash", "intent", "reason", "asked_hash", "refusal", "explained_at"});
    if (plain(member(w, "status")) == "paused")
      text += "\nWhoever used the key: stop it, or find out which backup was restored. Then, with the nonce that the chain has now:\n"
              "  paygatectl wallet sign-off --nonce N --reason TEXT\n";
    bool open = false;
    if (foreign.IsArray())
      for (const auto& f : foreign.GetArray()) open = open || member(f, "explained_at").IsNull();
    if (open)
      text +=
          "\nEverything waits until each such nonce is explained by its transaction (a block explorer shows it):\n"
          "  paygatectl wallet settle INTENT --nonce N --hash H --reason TEXT    it paid this intent, also one that is not asked for yet\n"
          "  paygatectl wallet disown --nonce N --hash H --reason TEXT           it was nothing of ours\n"
          "What was not paid before:\n  paygatectl wallet release INTENT --reason TEXT\n";
  }
  return text;
}

std::string transition_line(const rapidjson::Value& t) {
  const auto from = member_text(t, "from_status"), to = member_text(t, "to_status");
  auto line = member_text(t, "at") + "  ";
  if (member(t, "kind")) line += member_text(t, "kind") + "/" + member_text(t, "id") + "  ";
  line += "v" + member_text(t, "version") + "  " + member_text(t, "message") + "  "
          + (from == to ? to : (from.empty() ? "-" : from) + " -> " + to);
  const auto note = member_text(t, "note");
  return line + (note.empty() ? "" : "  (" + note + ")");
}

std::string entity_sheet(const rapidjson::Value& answer) {
  std::string text = member_text(answer, "kind") + "/" + member_text(answer, "id") + "\n";
  if (const auto* row = member(answer, "row"); row && row->IsObject()) text += members(*row, "  ");
  if (const auto* owner = member(answer, "owner"); owner && owner->IsObject()) {
    const auto name = member_text(*owner, "name");
    text += "owner\n  " + (name.empty() ? member_text(*owner, "node") : name + "  " + member_text(*owner, "node")) + ", shard "
            + member_text(*owner, "shard") + ", epoch " + member_text(*owner, "epoch")
            + (member_text(*owner, "expired") == "true" ? ", the lease has expired" : "") + "\n";
  }
  if (const auto* children = member(answer, "children"); children && children->IsObject())
    for (auto m = children->MemberBegin(); m != children->MemberEnd(); ++m)
      for (const auto& child : m->value.GetArray()) text += std::string(m->name.GetString()) + "\n" + members(child, "  ");
  if (const auto* live = member(answer, "live"); live && live->IsObject()) {
    if (member_text(*live, "resident") == "true") {
      text += "in memory\n  mailbox " + member_text(*live, "mailbox");
      if (const auto age = member_text(*live, "mailbox_age_ms"); !age.empty()) text += ", the oldest for " + age + " ms";
      text += ", " + member_text(*live, "handled") + " messages handled";
      if (const auto step = member_text(*live, "step_ms"); !step.empty()) text += ", a step under way for " + step + " ms";
      text += "\n";
    } else
      text += "not in memory: " + member_text(*live, "where") + "\n";
    const auto* effects = member(*live, "effects");
    text += "due now\n";
    if (!effects || !effects->IsArray() || effects->Empty())
      text += "  nothing\n";
    else
      text += table(*effects, {"key", "request", "asks", "state", "attempts", "next_try", "last_error"});
  }
  if (const auto* ledger = member(answer, "ledger"); ledger && ledger->IsArray() && !ledger->Empty()) {
    text += "ledger\n";
    for (const auto& entry : ledger->GetArray()) {
      text += "  " + member_text(entry, "at") + "  " + member_text(entry, "key") + "  " + member_text(entry, "reason") + "\n";
      if (const auto* postings = member(entry, "postings"); postings && postings->IsArray())
        for (const auto& p : postings->GetArray())
          text += "    " + member_text(p, "account") + "  " + member_text(p, "units") + " " + member_text(p, "currency") + "\n";
    }
  }
  if (const auto* transitions = member(answer, "transitions"); transitions && transitions->IsArray()) {
    text += "history\n";
    for (const auto& t : transitions->GetArray()) text += "  " + transition_line(t) + "\n";
  }
  return text;
}

} // namespace paygate::ctl
