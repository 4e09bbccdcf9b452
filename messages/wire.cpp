#include "messages/wire.hpp"

#include <array>
#include <concepts>
#include <limits>
#include <memory>

#include "messages/fields.hpp"

namespace paygate {

namespace {

using uint128 = unsigned __int128;

template <class T>
concept plain_struct = std::is_aggregate_v<T> && std::is_class_v<T>;

template <class T>
constexpr bool is_variant = false;
template <class... Ts>
constexpr bool is_variant<std::variant<Ts...>> = true;

/// A member that need not be said. A variant is always said: its first alternative may not travel.
template <class T>
bool is_usual(const T& value, const T& usual) {
  if constexpr (is_variant<T>)
    return false;
  else
    return value == usual;
}

constexpr uint128 zigzag(int128 value) { return (static_cast<uint128>(value) << 1) ^ static_cast<uint128>(value >> 127); }
constexpr int128 unzigzag(uint128 value) { return static_cast<int128>(value >> 1) ^ -static_cast<int128>(value & 1); }

class wire_writer {
public:
  void number(uint128 value) {
    for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<char>(static_cast<std::uint8_t>(value) | 0x80));
    out_.push_back(static_cast<char>(value));
  }

  void put(bool value) { number(value ? 1 : 0); }
  template <std::unsigned_integral T>
  void put(T value) {
    number(value);
  }
  template <std::signed_integral T>
  void put(T value) {
    number(zigzag(value));
  }
  void put(int128 value) { number(zigzag(value)); }
  template <named_enum E>
  void put(E value) {
    number(static_cast<std::size_t>(value));
  }
  void put(const std::string& text) {
    number(text.size());
    out_ += text;
  }
  void put(timestamp at) { put(at.time_since_epoch().count()); }
  void put(milliseconds span) { put(span.count()); }
  template <class Unit>
  void put(money<Unit> value) {
    put(value.units());
  }
  template <class T>
  void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  template <class T>
  void put(const std::shared_ptr<const T>& value) {
    put(value != nullptr);
    if (value) put(*value);
  }
  template <class T, std::size_t N>
  void put(const std::array<T, N>& values) {
    for (const auto& value : values) put(value);
  }
  template <plain_struct T>
  void put(const T& value) {
    static const T standard{};
    const auto fields = fields_of(value);
    const auto defaults = fields_of(standard);
    std::apply(
        [&](const auto&... field) {
          std::apply(
              [&](const auto&... usual) {
                std::size_t used = 0, index = 0;
                ((++index, used = is_usual(field, usual) ? used : index), ...);
                number(used);
                index = 0;
                ((index++ < used ? put(field) : void()), ...);
              },
              defaults);
        },
        fields);
  }
  void put(const effect_done&) { fault_ = "the outcome of an effect does not travel"; }
  template <class... Ts>
  void put(const std::variant<Ts...>& value) {
    number(value.index());
    std::visit([this](const auto& alternative) { put(alternative); }, value);
  }

  const std::string& fault() const { return fault_; }
  std::string take() { return std::move(out_); }
  std::size_t size() const { return out_.size(); }

private:
  std::string out_, fault_;
};

/// Reads until the first fault; from then on everything is a fault, and what was read is worth nothing.
class wire_reader {
public:
  explicit wire_reader(std::string_view bytes) : left_(bytes) {}

  uint128 number() {
    uint128 value = 0;
    for (unsigned shift = 0; shift < 128; shift += 7) {
      if (left_.empty()) return fail("it ends too early"), 0;
      const auto byte = static_cast<std::uint8_t>(left_.front());
      left_.remove_prefix(1);
      if (shift == 126 && byte > 3) break;
      value |= static_cast<uint128>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    fail("a number is too long");
    return 0;
  }

  void get(bool& value) { value = bounded(1) == 1; }
  template <std::unsigned_integral T>
  void get(T& value) {
    value = static_cast<T>(bounded(std::numeric_limits<T>::max()));
  }
  template <std::signed_integral T>
  void get(T& value) {
    const auto read = unzigzag(number());
    if (read < std::numeric_limits<T>::min() || read > std::numeric_limits<T>::max()) fail("a number is out of range");
    value = static_cast<T>(read);
  }
  void get(int128& value) { value = unzigzag(number()); }
  template <named_enum E>
  void get(E& value) {
    value = static_cast<E>(bounded(std::size(enum_names<E>::values) - 1));
  }
  void get(std::string& text) {
    const auto size = number();
    if (size > left_.size()) return fail("it ends too early");
    text.assign(left_.substr(0, static_cast<std::size_t>(size)));
    left_.remove_prefix(text.size());
  }
  void get(timestamp& at) {
    std::int64_t count = 0;
    get(count);
    at = timestamp(timestamp::duration(count));
  }
  void get(milliseconds& span) {
    milliseconds::rep count = 0;
    get(count);
    span = milliseconds(count);
  }
  template <class Unit>
  void get(money<Unit>& value) {
    int128 units = 0;
    get(units);
    value = money<Unit>::of_units(units);
  }
  template <class T>
  void get(std::optional<T>& value) {
    bool there = false;
    get(there);
    if (there) get(value.emplace());
  }
  template <class T>
  void get(std::shared_ptr<const T>& value) {
    bool there = false;
    get(there);
    if (!there) return;
    auto read = std::make_shared<T>();
    get(*read);
    value = std::move(read);
  }
  template <class T, std::size_t N>
  void get(std::array<T, N>& values) {
    for (auto& value : values) get(value);
  }
  template <plain_struct T>
  void get(T& value) {
    const auto used = number();
    if (used > field_count<T>) return fail("it says more than this version understands");
    std::size_t index = 0;
    std::apply([&](auto&... field) { ((index++ < used ? get(field) : left_out(field)), ...); }, fields_of(value));
  }
  void get(effect_done&) { fail("the outcome of an effect does not travel"); }
  template <class... Ts>
  void get(std::variant<Ts...>& value) {
    const auto index = number();
    if (index >= sizeof...(Ts)) return fail("no such message is known to this version");
    std::size_t at = 0;
    ((at++ == index ? get(value.template emplace<Ts>()) : void()), ...);
  }

  template <class T>
  void left_out(T&) {
    if constexpr (is_variant<T>) fail("it does not say what it is");
  }

  /// Takes the first byte for a version.
  void version() {
    if (left_.empty()) return fail("it is empty");
    const auto byte = static_cast<std::uint8_t>(left_.front());
    left_.remove_prefix(1);
    if (byte != wire_version) fail("version " + std::to_string(byte) + " is not spoken here, but " + std::to_string(wire_version));
  }
  void end() {
    if (good() && !left_.empty()) fail("it is followed by something");
  }
  void fail(std::string why) {
    if (fault_.empty()) fault_ = std::move(why);
    left_ = {};
  }
  bool good() const { return fault_.empty(); }
  const std::string& fault() const { return fault_; }

private:
  uint128 bounded(uint128 most) {
    const auto value = number();
    if (value <= most) return value;
    fail("a number is out of range");
    return 0;
  }

  std::string_view left_;
  std::string fault_;
};

/// As a remote_letter, but what it holds need not be copied into one.
template <class What>
std::variant<std::string, wire_error> write_letter(std::size_t index, const What& what, milliseconds patience) {
  wire_writer out;
  out.number(wire_version);
  out.number(field_count<remote_letter>);
  out.put(patience);
  out.number(index);
  out.put(what);
  if (!out.fault().empty()) return wire_error{out.fault()};
  if (out.size() > wire_max) return wire_error{"it is too long: " + std::to_string(out.size()) + " bytes"};
  return out.take();
}

template <class What>
std::variant<What, wire_error> read_whole(std::string_view bytes, const char* what) {
  if (bytes.size() > wire_max) return wire_error{std::string(what) + " cannot be read: it is too long"};
  wire_reader in(bytes);
  in.version();
  What read;
  in.get(read);
  in.end();
  if (!in.good()) return wire_error{std::string(what) + " cannot be read: " + in.fault()};
  return read;
}

} // namespace

std::variant<std::string, wire_error> to_wire(const envelope& letter, milliseconds patience) { return write_letter(0, letter, patience); }

std::variant<std::string, wire_error> to_wire(const entity_errand& what, milliseconds patience) { return write_letter(1, what, patience); }

std::string to_wire(const remote_answer& answer) {
  wire_writer out;
  out.number(wire_version);
  out.put(answer);
  if (out.size() <= wire_max) return out.take();
  return to_wire(remote_answer{wire_error{"the answer is too long: " + std::to_string(out.size()) + " bytes"}});
}

std::variant<remote_letter, wire_error> read_letter(std::string_view bytes) { return read_whole<remote_letter>(bytes, "the letter"); }

std::variant<remote_answer, wire_error> read_answer(std::string_view bytes) { return read_whole<remote_answer>(bytes, "the answer"); }

} // namespace paygate
