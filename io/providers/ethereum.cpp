#include "io/providers/ethereum.hpp"

#include "io/providers/ethereum_chain.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

io_failure no_nodes() { return {fault::transient, "no_nodes", "no RPC URL is set", {}}; }

class ethereum_client {
public:
  explicit ethereum_client(ethereum_settings settings) : nodes_(std::move(settings)) {}

  io_outcome operator()(const get_chain_quote& request) {
    return first_answer([&](rpc_node& node) { return read_chain_quote(node, request, nodes_.settings().chain_id); });
  }
  io_outcome operator()(const get_receipts& request) {
    return first_answer([&](rpc_node& node) { return read_receipts(node, request); });
  }
  io_outcome operator()(const get_transfer& request) {
    return first_answer([&](rpc_node& node) { return read_transfer(node, request); });
  }
  io_outcome operator()(const get_token_transfer& request) {
    return first_answer([&](rpc_node& node) { return read_token_transfer(node, request); });
  }
  io_outcome operator()(const get_chain_state& request) {
    return first_answer([&](rpc_node& node) { return read_chain_state(node, request); });
  }
  io_outcome operator()(const get_wallet_history& request) {
    return first_answer([&](rpc_node& node) { return read_wallet_history(node, request); });
  }
  io_outcome operator()(const get_wallet& request) {
    return first_answer([&](rpc_node& node) { return read_wallet(node, request); });
  }
  io_outcome operator()(const get_transaction& request) {
    return first_answer([&](rpc_node& node) { return read_transaction(node, request); });
  }

  /// Every node is told: one that drops it must not be the only one that had it. Accepted by one is accepted; where nobody accepts, a
  /// node's judgement of the nonce weighs most, and a lost answer more than a refusal by another node.
  io_outcome operator()(const broadcast_tx& request) {
    std::optional<broadcast_answer> judged;
    std::optional<io_failure> failure;
    bool told = false;
    for (const auto& node : nodes_.in_order()) {
      auto answer = send_raw(*node, request);
      if (const auto* taken = std::get_if<tx_broadcast>(&answer)) {
        if (!told) nodes_.mark_good(*node);
        told = true;
        if (!judged || rank(taken->answer) < rank(*judged)) judged = taken->answer;
        continue;
      }
      auto& failed = std::get<io_failure>(answer);
      if (failed.kind != fault::permanent) nodes_.mark_failed(*node);
      if (!failure || rank(failed.kind) < rank(failure->kind)) failure = std::move(failed);
    }
    if (judged) return tx_broadcast{*judged};
    if (failure) return *failure;
    return no_nodes();
  }

  template <class Other>
  io_outcome operator()(const Other& request) {
    return wrong_lane(request);
  }

private:
  static int rank(broadcast_answer answer) {
    switch (answer) {
    case broadcast_answer::accepted: return 0;
    case broadcast_answer::nonce_too_low: return 1;
    case broadcast_answer::insufficient_funds: return 2;
    case broadcast_answer::underpriced: return 3;
    }
    return 4;
  }
  static int rank(fault kind) { return kind == fault::unknown ? 0 : kind == fault::transient ? 1 : 2; }

  /// Asks one node after the other until one answers. What is permanent on one node may be that node's own fault (it is on another chain),
  /// so the others are asked as well.
  template <class F>
  io_outcome first_answer(F&& ask) {
    std::optional<io_failure> failure;
    for (const auto& node : nodes_.in_order()) {
      auto answer = ask(*node);
      auto* failed = std::get_if<io_failure>(&answer);
      if (!failed) {
        nodes_.mark_good(*node);
        return std::visit([](auto&& found) -> io_outcome { return std::forward<decltype(found)>(found); }, std::move(answer));
      }
      if (failed->code == "rpc") failed->kind = fault::transient; // Only reads: whatever the node means, it may do better later.
      if (failed->code != "not_found") nodes_.mark_failed(*node);
      if (failed->code == "wrong_chain") log(log_level::error, "rpc_wrong_chain", {{"text", failed->text}});
      // A transient one says more than a permanent one: the node that could not be asked might have answered.
      if (!failure || (failure->kind == fault::permanent && failed->kind != fault::permanent)) failure = std::move(*failed);
    }
    return failure ? *failure : no_nodes();
  }

  rpc_nodes nodes_;
};

} // namespace

io_client make_ethereum_client(ethereum_settings settings) {
  auto client = std::make_shared<ethereum_client>(std::move(settings));
  return never_throwing([client](const io_request& request) { return std::visit([&](const auto& r) { return (*client)(r); }, request); });
}

std::optional<io_failure> check_chain(const ethereum_settings& settings) {
  rpc_nodes nodes(settings);
  bool answered = false;
  io_failure last = no_nodes();
  for (const auto& node : nodes.in_order()) {
    const auto answer = read_chain_id(*node);
    if (const auto* failed = std::get_if<io_failure>(&answer)) {
      last = *failed;
      continue;
    }
    const auto id = std::get<std::uint64_t>(answer);
    if (id != settings.chain_id)
      return io_failure{
          fault::permanent, "wrong_chain", "a node is on chain " + std::to_string(id) + ", not " + std::to_string(settings.chain_id), {}};
    answered = true;
  }
  if (answered) return std::nullopt;
  return last;
}

} // namespace paygate
