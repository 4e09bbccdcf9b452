#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "io/providers/ethereum.hpp"

namespace paygate {

/// A result of eth_..., with the document that holds it. The member `result` is null when the node says so.
struct rpc_result {
  std::shared_ptr<const json_document> document;
  const json_value* answer = nullptr; ///< Where in a batch's document it is; null: the whole.
  const json_value& value() const { return (answer ? *answer : *document)["result"]; }
};
template <class T>
using rpc_answer = std::variant<T, io_failure>;

/// Parameters of a call: writes the elements of the params array.
using rpc_params = std::function<void(json_writer&)>;

/// One node.
class rpc_node {
public:
  explicit rpc_node(http_settings settings) : http_(std::move(settings)) {}

  /// Errors of the node come as permanent failures "rpc" with its words, except those that say that it is busy or broken, which are
  /// transient
  /// ("node_busy").
  rpc_answer<rpc_result> call(std::string_view method, const rpc_params& params, http_effect effect = http_effect::reads);

  /// Several reads as one batch -> their results, in the order asked. An error of one is the failure of all.
  rpc_answer<std::vector<rpc_result>> call_batch(std::string_view method, const std::vector<rpc_params>& params);

private:
  http_caller http_;
};

/// The nodes, and which of them to ask first. Safe from several threads at once.
class rpc_nodes {
public:
  explicit rpc_nodes(ethereum_settings settings) : settings_(std::move(settings)) {}

  /// Every node once, in the order in which they should be asked: the last good one first, those that failed lately last.
  std::vector<std::shared_ptr<rpc_node>> in_order();

  void mark_good(const rpc_node& node);
  void mark_failed(const rpc_node& node);

  const ethereum_settings& settings() const { return settings_; }

private:
  struct entry {
    std::shared_ptr<rpc_node> node;
    std::chrono::steady_clock::time_point rests_until{};
  };

  const ethereum_settings settings_;
  std::mutex mutex_;
  std::vector<std::string> urls_; // Of which nodes_ was made; the source may change.
  std::vector<entry> nodes_;
  const rpc_node* last_good_ = nullptr;
};

/// A quantity ("0x1a"): "0x" and 1 or more hex digits. Nothing when it is anything else or does not fit.
std::optional<std::uint64_t> parse_quantity(std::string_view text);
std::optional<int128> parse_wei(std::string_view text);

/// The value as a quantity: "0x0", "0x1a".
std::string to_quantity(int128 value);

} // namespace paygate
