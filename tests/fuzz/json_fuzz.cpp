// JSON bodies: whatever is read, is read without harm; what is written again in canonical form stays the same when it is done once more; a
// body of the API is judged by its shape.
#include "io/codec/json_canonical.hpp"
#include "io/http/api_shape.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace paygate;

namespace {

const shape_ptr& body_shape() {
  static const auto part = make_shape("Part", {amount_field("price_usd", ""), integer_field("days", 1, 3660, "")});
  static const auto shape = make_shape(
      "Body", {text_field("title", 1, 20, ""), boolean_field("open", "").optional(), list_field("tiers", 1, 3, part, "").optional(),
               time_field("at", "").optional().or_null(), telegram_id_field("id", "").optional(), texts_field("words", 0, 3, "").optional(),
               object_field("part", part, "").optional(), text_field("way", 1, 9, "").among({"a", "b"}).optional()});
  return shape;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  if (const auto document = parse_json(text)) {
    const auto faults = faults_of(*body_shape(), *document);
    if (faults.empty()) fuzz::promise(json_text(*document, "title").has_value(), "a body without faults has its title");
    fuzz::promise(faults.size() <= 20, "no more faults than a person reads");
    json_int(*document, "days");
    json_decimal(*document, "price_usd");
    json_time(*document, "at");
  }
  if (const auto tokens = json_tokens::parse(text)) {
    for (const bool js : {false, true}) {
      const auto once = canonical_text(*tokens, {js, false, false});
      if (!once) continue;
      const auto again = json_tokens::parse(*once);
      fuzz::promise(again.has_value(), "canonical JSON is JSON");
      const auto twice = canonical_text(*again, {js, false, false});
      fuzz::promise(twice && *twice == *once, "canonical is canonical");
    }
    canonical_text(*tokens, {true, true, true});
  }
  return 0;
}
