#include "io/providers/ethereum_rpc.hpp"

#include <algorithm>

namespace paygate {

namespace {

constexpr std::size_t answer_max = 32u << 20; // A handful of full blocks.
constexpr int128 int128_max = static_cast<int128>(~static_cast<unsigned __int128>(0) >> 1);

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

/// Whether the error is about the node, not about what was asked: another node, or this one later, may do it.
bool is_about_the_node(std::int64_t code, std::string_view words) {
  if (words.starts_with("execution reverted")) return false; // What follows are a contract's words.
  // EIP-1474: -32005 limit exceeded; -32601 and -32004 are methods that this node does not offer, -32603 internal.
  if (code == -32005 || code == -32601 || code == -32004 || code == -32603 || code == 429 || code == 401 || code == 403 || code >= 500)
    return true;
  for (const std::string_view sign :
       {"rate limit", "too many requests", "limit exceeded", "indexing is in progress", "header not found", "request timed out", "timeout",
        "missing trie node", "not synced", "syncing", "unauthorized", "api key"})
    if (words.find(sign) != std::string_view::npos) return true;
  return false;
}

void write_call(json_writer& writer, std::int64_t id, std::string_view method, const rpc_params& params) {
  writer.StartObject();
  write_member(writer, "jsonrpc", "2.0");
  write_int(writer, "id", id);
  write_member(writer, "method", method);
  writer.Key("params");
  writer.StartArray();
  if (params) params(writer);
  writer.EndArray();
  writer.EndObject();
}

std::string request_body(std::string_view method, const rpc_params& params) {
  json_buffer buffer;
  json_writer writer(buffer);
  write_call(writer, 1, method, params);
  return take_text(buffer);
}

std::string batch_body(std::string_view method, const std::vector<rpc_params>& params) {
  json_buffer buffer;
  json_writer writer(buffer);
  writer.StartArray();
  std::int64_t id = 0;
  for (const auto& one : params) write_call(writer, ++id, method, one);
  writer.EndArray();
  return take_text(buffer);
}

io_failure failure_of(const json_value& error, const http_answer& answer, http_effect effect) {
  const auto message = json_text_or_empty(error, "message");
  const auto code = json_int(error, "code").value_or(0);
  auto words = provider_words(message.empty() ? "error " + std::to_string(code) : message);
  if (answer.status == 429 || answer.status >= 500 || is_about_the_node(code, lower(message))) {
    const bool internal = code == -32603 || answer.status >= 500;
    const auto kind = internal && effect == http_effect::creates ? fault::unknown : fault::transient;
    return io_failure{kind, "node_busy", std::move(words), answer.retry_after};
  }
  return io_failure{fault::permanent, "rpc", std::move(words), {}};
}

} // namespace

rpc_answer<rpc_result> rpc_node::call(std::string_view method, const rpc_params& params, http_effect effect) {
  auto called =
      http_.call({.effect = effect, .method = "POST", .path = "", .query = {}, .headers = {}, .body = request_body(method, params)});
  if (auto* failure = std::get_if<io_failure>(&called)) return *failure;
  const auto& answer = std::get<http_answer>(called);
  auto body = parse_json(answer.body);
  if (const auto* error = body ? json_member(*body, "error") : nullptr) return failure_of(*error, answer, effect);
  if (answer.status < 200 || answer.status > 299) {
    auto failure = status_failure(answer, effect);
    if (failure.kind == fault::permanent) failure.kind = fault::transient;
    return failure;
  }
  if (!body || !body->IsObject() || !body->HasMember("result")) return nonsense(effect, "no JSON-RPC answer");
  return rpc_result{std::make_shared<const json_document>(std::move(*body))};
}

rpc_answer<std::vector<rpc_result>> rpc_node::call_batch(std::string_view method, const std::vector<rpc_params>& params) {
  if (params.empty()) return std::vector<rpc_result>{};
  constexpr auto effect = http_effect::reads;
  auto called = http_.call({.effect = effect, .method = "POST", .path = "", .query = {}, .headers = {}, .body = batch_body(method, params)});
  if (auto* failure = std::get_if<io_failure>(&called)) return *failure;
  const auto& answer = std::get<http_answer>(called);
  auto parsed = parse_json(answer.body);
  if (const auto* error = parsed ? json_member(*parsed, "error") : nullptr) return failure_of(*error, answer, effect);
  if (answer.status < 200 || answer.status > 299) {
    auto failure = status_failure(answer, effect);
    if (failure.kind == fault::permanent) failure.kind = fault::transient;
    return failure;
  }
  if (!parsed || !parsed->IsArray()) return nonsense(effect, "no JSON-RPC batch");
  const auto body = std::make_shared<const json_document>(std::move(*parsed));
  std::vector<rpc_result> results(params.size());
  for (const auto& one : body->GetArray()) {
    if (const auto* error = json_member(one, "error")) return failure_of(*error, answer, effect);
    const auto id = json_int(one, "id").value_or(0);
    if (id < 1 || id > static_cast<std::int64_t>(results.size()) || !one.HasMember("result")) return nonsense(effect, "an answer of no call");
    results[static_cast<std::size_t>(id - 1)] = {body, &one};
  }
  for (const auto& result : results)
    if (!result.document) return nonsense(effect, "a batch that answers not every call");
  return results;
}

std::vector<std::shared_ptr<rpc_node>> rpc_nodes::in_order() {
  auto urls = settings_.rpc_urls();
  std::lock_guard lock(mutex_);
  if (urls != urls_) {
    nodes_.clear();
    last_good_ = nullptr;
    for (const auto& url : urls)
      nodes_.push_back({std::make_shared<rpc_node>(http_settings{
                            .base_url = url, .connect_timeout = settings_.connect_timeout, .read_timeout = settings_.read_timeout, .body_max = answer_max}),
                        {}});
    urls_ = std::move(urls);
  }
  const auto now = std::chrono::steady_clock::now();
  auto rank = [&](const entry& e) { return e.rests_until > now ? 2 : e.node.get() == last_good_ ? 0 : 1; };
  auto sorted = nodes_;
  std::stable_sort(sorted.begin(), sorted.end(), [&](const entry& a, const entry& b) { return rank(a) < rank(b); });
  std::vector<std::shared_ptr<rpc_node>> out;
  for (auto& e : sorted) out.push_back(std::move(e.node));
  return out;
}

void rpc_nodes::mark_good(const rpc_node& node) {
  std::lock_guard lock(mutex_);
  last_good_ = &node;
  for (auto& e : nodes_)
    if (e.node.get() == &node) e.rests_until = {};
}

void rpc_nodes::mark_failed(const rpc_node& node) {
  std::lock_guard lock(mutex_);
  if (last_good_ == &node) last_good_ = nullptr;
  for (auto& e : nodes_)
    if (e.node.get() == &node) e.rests_until = std::chrono::steady_clock::now() + settings_.rest;
}

std::optional<int128> parse_wei(std::string_view text) {
  if (text.size() < 3 || text[0] != '0' || text[1] != 'x') return std::nullopt;
  int128 value = 0;
  for (const char c : text.substr(2)) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0 || value > (int128_max - digit) / 16) return std::nullopt;
    value = value * 16 + digit;
  }
  return value;
}

std::optional<std::uint64_t> parse_quantity(std::string_view text) {
  const auto value = parse_wei(text);
  if (!value || *value > static_cast<int128>(~std::uint64_t{0})) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

std::string to_quantity(int128 value) {
  if (value <= 0) return "0x0"; // No quantity of ours is negative.
  std::string digits;
  for (; value > 0; value /= 16) digits.insert(digits.begin(), "0123456789abcdef"[static_cast<int>(value % 16)]);
  return "0x" + digits;
}

} // namespace paygate
