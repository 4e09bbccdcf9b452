#include "actors/runtime/inspect.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace paygate {

namespace {

using writer = rapidjson::Writer<rapidjson::StringBuffer>;

void put(writer& out, const char* key, std::string_view value) {
  out.Key(key);
  out.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

std::string_view request_name(const kept_effect& e) {
  const auto* io = std::get_if<io_request_ptr>(&e.request);
  return io ? name_of(**io) : std::string_view("ask");
}

} // namespace

std::string inspect_json(const entity_ref& ref, const entity_header& header, const std::vector<running_effect>& effects,
                         const live_view& live, timestamp now) {
  rapidjson::StringBuffer buffer;
  writer out(buffer);
  out.StartObject();
  put(out, "kind", to_text(ref.kind));
  put(out, "id", ref.id);
  put(out, "status", live.status);
  out.Key("version");
  out.Uint64(header.version);
  out.Key("resident");
  out.Bool(true);
  out.Key("committing");
  out.Bool(live.committing);
  if (live.committing) {
    out.Key("step_ms");
    out.Int64(live.step_age.count());
  }
  out.Key("mailbox");
  out.Uint64(live.inbox);
  if (live.inbox != 0) {
    out.Key("mailbox_age_ms");
    out.Int64(live.oldest.count());
  }
  out.Key("handled");
  out.Uint64(live.handled);
  if (header.wake_at) put(out, "wake_at", to_text(*header.wake_at));
  out.Key("effects");
  out.StartArray();
  for (std::size_t i = 0; i < effects.size(); ++i) {
    const auto& e = effects[i];
    out.StartObject();
    put(out, "key", e.what.key);
    put(out, "request", request_name(e.what));
    if (const auto* ask = std::get_if<envelope_ptr>(&e.what.request)) put(out, "asks", to_text((*ask)->to));
    put(out, "state",
        e.call != 0       ? "in flight"
        : live.paused[i]  ? "paused"
        : e.attempts != 0 ? "backing off"
        : e.put_offs != 0 ? "put off"
        : e.next_at > now ? "waiting"
                          : "due");
    out.Key("attempts");
    out.Uint(e.attempts);
    if (e.put_offs != 0) {
      out.Key("put_off");
      out.Uint(e.put_offs);
    }
    if (!e.error.empty()) put(out, "last_error", e.error);
    if (e.call == 0) put(out, "next_try", to_text(std::max(e.next_at, now)));
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

} // namespace paygate
