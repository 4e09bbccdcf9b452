#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/providers/ethereum_rpc.hpp"

// Reading a node's answers: shared by the files that ask nodes (ethereum_*.cpp), and by nobody else.
namespace paygate::eth_reading {

/// A 32-byte word, "0x" and 64 digits, that fits an amount; nothing else.
inline std::optional<int128> word_units(std::string_view word) {
  if (word.size() != 66 || word.substr(0, 2) != "0x") return std::nullopt;
  int128 units = 0;
  for (std::size_t i = 2; i < word.size(); ++i) {
    const char c = word[i];
    const int digit = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
    if (digit < 0 || (i < 35 && digit != 0)) return std::nullopt;
    units = units * 16 + digit;
  }
  return units;
}

/// Carries a failure out of a row of calls.
struct failed {
  io_failure failure;
};

inline rpc_result must(rpc_answer<rpc_result> answer) {
  if (auto* failure = std::get_if<io_failure>(&answer)) throw failed{std::move(*failure)};
  return std::get<rpc_result>(std::move(answer));
}

[[noreturn]] inline void broken(const char* what) { throw failed{nonsense(http_effect::reads, what)}; }

template <class F>
auto catching(F&& body) -> rpc_answer<decltype(body())> {
  try {
    return body();
  } catch (failed& f) {
    return std::move(f.failure);
  }
}

inline std::uint64_t quantity(const json_value& value, const char* what) {
  const auto text = json_text(value);
  const auto parsed = text ? parse_quantity(*text) : std::nullopt;
  if (!parsed) broken(what);
  return *parsed;
}

inline int128 wei(const json_value& value, const char* what) {
  const auto text = json_text(value);
  const auto parsed = text ? parse_wei(*text) : std::nullopt;
  if (!parsed) broken(what);
  return *parsed;
}

inline const json_value& member(const json_value& object, const char* name) {
  const auto* value = json_member(object, name);
  if (!value) broken(name);
  return *value;
}

inline void write_text(json_writer& writer, std::string_view text) {
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

inline rpc_params texts(std::initializer_list<std::string> values) {
  return [list = std::vector<std::string>(values)](json_writer& writer) {
    for (const auto& text : list) write_text(writer, text);
  };
}

inline std::uint64_t block_number(rpc_node& node) { return quantity(must(node.call("eth_blockNumber", {})).value(), "eth_blockNumber"); }

inline std::uint64_t mined_nonce(rpc_node& node, const std::string& address, const std::string& block = "latest") {
  return quantity(must(node.call("eth_getTransactionCount", texts({address, block}))).value(), "eth_getTransactionCount");
}

inline int128 balance_of(rpc_node& node, const std::string& address) {
  return wei(must(node.call("eth_getBalance", texts({address, "latest"}))).value(), "eth_getBalance");
}

inline std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

} // namespace paygate::eth_reading
