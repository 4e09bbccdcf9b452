#include "actors/runtime/node_report.hpp"

#include <map>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "actors/runtime/operator_json.hpp"

namespace paygate {

namespace {

/// An object's members one after the other.
class json_writer {
public:
  json_writer& key(const char* name) {
    out_.Key(name);
    return *this;
  }
  json_writer& text(const char* name, std::string_view value) {
    out_.Key(name);
    out_.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
    return *this;
  }
  json_writer& number(const char* name, std::int64_t value) {
    out_.Key(name);
    out_.Int64(value);
    return *this;
  }
  json_writer& flag(const char* name, bool value) {
    out_.Key(name);
    out_.Bool(value);
    return *this;
  }
  json_writer& entity(const entity_ref& ref) { return text("kind", to_text(ref.kind)).text("id", ref.id); }
  template <class List, class F>
  json_writer& list(const char* name, const List& items, F&& each) {
    out_.Key(name);
    out_.StartArray();
    for (const auto& item : items) each(item);
    out_.EndArray();
    return *this;
  }
  template <class F>
  void object(F&& members) {
    out_.StartObject();
    members();
    out_.EndObject();
  }
  rapidjson::Writer<rapidjson::StringBuffer>& raw() { return out_; }
  std::string str() const { return {buffer_.GetString(), buffer_.GetSize()}; }

private:
  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> out_{buffer_};
};

} // namespace

std::string report_json(const node_report& report) {
  std::uint64_t residents = 0, waiting = 0;
  std::map<std::pair<std::string_view, std::string_view>, std::uint64_t> kinds;
  for (const auto& shard : report.shards) {
    residents += shard.residents;
    waiting += shard.waiting;
    for (const auto& group : shard.groups) kinds[{to_text(group.kind), group.where}] += group.count;
  }
  json_writer out;
  out.object([&] {
    out.flag("ready", report.ready).text("log_level", report.log_level).text("started_at", to_text(report.started_at));
    out.number("shards_held", static_cast<std::int64_t>(report.shards.size())).number("residents", static_cast<std::int64_t>(residents));
    out.number("waiting", static_cast<std::int64_t>(waiting)).number("asked_ms", report.asked_ms.count());
    out.flag("pauses_known", report.pauses_known);
    out.list("pauses", report.pauses, [&](const std::string& name) { out.raw().String(name.c_str()); });
    out.list("kinds", kinds, [&](const auto& group) {
      out.object([&] {
        out.text("kind", group.first.first).text("where", group.first.second).number("count", static_cast<std::int64_t>(group.second));
      });
    });
    out.list("lanes", report.lanes, [&](const lane_stats& l) {
      out.object([&] {
        out.text("lane", to_text(l.which)).number("queue", static_cast<std::int64_t>(l.queue));
        out.number("workers", static_cast<std::int64_t>(l.workers)).number("busy", static_cast<std::int64_t>(l.workers - l.idle));
        out.flag("circuit_open", l.circuit_open).number("held_ms", l.held_for.count());
      });
    });
    out.list("committers", report.committers, [&](int steps) { out.raw().Int(steps); });
    out.list("shards", report.shards, [&](const shard_stats& s) {
      out.object([&] {
        out.number("shard", s.shard).number("epoch", static_cast<std::int64_t>(s.epoch));
        out.number("residents", static_cast<std::int64_t>(s.residents)).number("waiting", static_cast<std::int64_t>(s.waiting));
      });
    });
  });
  return out.str();
}

std::string board_json(const activity_board::view& seen) {
  json_writer out;
  out.object([&] {
    out.list("mailboxes", seen.mailboxes, [&](const auto& m) {
      out.object([&] { out.entity(m.entity).number("depth", static_cast<std::int64_t>(m.depth)).number("age_ms", m.age.count()); });
    });
    out.list("restarts", seen.restarts, [&](const auto& r) {
      out.object([&] {
        out.entity(r.entity).number("times", static_cast<std::int64_t>(r.times)).number("ago_ms", r.ago.count()).text("cause", r.cause);
      });
    });
    out.list("slowest", seen.slowest, [&](const auto& s) {
      out.object(
          [&] { out.entity(s.entity).text("message", s.message).number("took_us", s.took.count()).number("ago_ms", s.ago.count()); });
    });
  });
  return out.str();
}

std::string member_json(const cluster_member& member) {
  return "\"node\":" + json_text(member.identity) + ",\"name\":" + json_text(member.name) + ",\"address\":" + json_text(member.address)
         + ",\"draining\":" + (member.draining ? "true" : "false") + ",\"state_version\":" + std::to_string(member.state_version);
}

} // namespace paygate
