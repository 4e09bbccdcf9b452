#include "ctl/address.hpp"

#include <map>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "addresses/address.hpp"
#include "ctl/print.hpp"

namespace paygate::ctl {

namespace {

using json_writer = rapidjson::Writer<rapidjson::StringBuffer>;

void member(json_writer& out, const char* name, std::string_view value) {
  out.Key(name);
  out.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

void member(json_writer& out, const char* name, std::uint64_t value) {
  out.Key(name);
  out.Uint64(value);
}

struct family_count {
  checked_by how = checked_by::nothing;
  std::uint64_t pairs = 0;
};

} // namespace

std::string check_json(const std::string& currency, const std::string& network, const std::string& address, const std::string& memo) {
  const auto result = check_address(currency, network, address, memo);
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  if (result.is_good()) {
    member(out, "checked_by", name_of(result.how));
    member(out, "text", result.text);
  } else {
    out.Key("error");
    out.StartObject();
    member(out, "code", name_of(result.fault));
    member(out, "text", result.text);
    out.EndObject();
  }
  out.EndObject();
  return buffer.GetString();
}

std::string coverage_json() {
  std::map<checked_by, std::uint64_t> pairs;
  std::map<memo_need, std::uint64_t> memos;
  std::map<std::string, family_count> families;
  for (const auto& c : listed_currencies()) {
    ++pairs[c.how];
    ++memos[c.memo];
    auto& family = families[c.family];
    family.how = c.how;
    ++family.pairs;
  }
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  member(out, "pairs", listed_currencies().size());
  member(out, "checksum", pairs[checked_by::checksum]);
  member(out, "pattern", pairs[checked_by::pattern]);
  member(out, "unknown", pairs[checked_by::nothing]);
  member(out, "memo_required", memos[memo_need::required]);
  member(out, "memo_optional", memos[memo_need::optional]);
  out.Key("families");
  out.StartArray();
  for (const auto& [name, family] : families) {
    out.StartObject();
    member(out, "family", name);
    member(out, "checked_by", name_of(family.how));
    member(out, "pairs", family.pairs);
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  return buffer.GetString();
}

std::string show_check(const rapidjson::Value& answer) { return plain(answer["text"]) + "\n"; }

std::string show_coverage(const rapidjson::Value& answer) {
  std::string text = plain(answer["pairs"]) + " pairs of ticker and network: " + plain(answer["checksum"]) + " checked by checksum, "
                     + plain(answer["pattern"]) + " by pattern only, " + plain(answer["unknown"]) + " without a rule\n"
                     + "(an address of Ethereum's form in one case carries no checksum: that one is checked by pattern)\n"
                     + "a memo is required by " + plain(answer["memo_required"]) + " and taken by " + plain(answer["memo_optional"])
                     + " more\n\n";
  return text + table(answer["families"], {"family", "checked_by", "pairs"});
}

} // namespace paygate::ctl
