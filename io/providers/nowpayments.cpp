#include "io/providers/nowpayments.hpp"

#include <chrono>
#include <memory>
#include <mutex>

#include "io/codec/ipn.hpp"
#include "io/codec/success_token.hpp"

namespace paygate {

namespace {

/// The token lives 5 minutes; one that ends while its request is under way would cost a try.
constexpr auto token_life = std::chrono::minutes(4);
constexpr int page_size = 100;
constexpr int pages_max = 20;

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::optional<provider_error> error_in(const std::optional<json_document>& body, std::string_view key) {
  if (!body) return std::nullopt;
  const auto code = json_text_or_empty(*body, "code");
  const auto message = json_text(*body, "message");
  if (code.empty() && !message) return std::nullopt;
  return provider_error{provider_words(code, {key}), provider_words(message.value_or(code), {key})};
}

class nowpayments_client {
public:
  explicit nowpayments_client(nowpayments_settings settings) : settings_(std::move(settings)), http_(settings_.http) {}

  io_outcome operator()(const create_invoice& request) {
    if (!request.price.is_positive()) return io_failure{fault::permanent, "not_positive", "a price must be positive", {}};
    const auto public_url = without_slash(settings_.public_url);
    const auto token = make_success_token(request.order_id, settings_.success_url_key());
    json_buffer buffer;
    json_writer writer(buffer);
    writer.StartObject();
    write_number(writer, "price_amount", request.price.units());
    write_member(writer, "price_currency", "usd");
    write_member(writer, "order_id", request.order_id);
    write_member(writer, "order_description", request.description);
    write_member(writer, "ipn_callback_url", public_url + "/webhooks/nowpayments-ipn");
    write_member(writer, "success_url", public_url + "/webhooks/success?token=" + percent_encode(token));
    write_member(writer, "cancel_url",
                 public_url + "/payment-processing?order_id=" + percent_encode(request.order_id) + "&token=" + percent_encode(token));
    writer.EndObject();
    const http_request call{
        .effect = http_effect::creates, .method = "POST", .path = "/v1/invoice", .query = {}, .headers = {}, .body = take_text(buffer)};
    return ask(call, [&](const json_value& body) -> io_outcome {
      auto id = json_id(body, "id");
      auto url = json_text_or_empty(body, "invoice_url");
      const auto order_id = json_text(body, "order_id");
      if (!id || !(url.starts_with("https://") || url.starts_with("http://")) || (order_id && *order_id != request.order_id))
        return nonsense(http_effect::creates, "an invoice without id or URL, or of another order");
      return invoice_created{std::move(*id), std::move(url)};
    });
  }

  io_outcome operator()(const get_payment& request) {
    return ask({.path = "/v1/payment/" + percent_encode(request.payment_id), .query = {}, .headers = {}, .body = {}},
               [&](const json_value& body) -> io_outcome {
                 auto parsed = parse_provider_payment(body);
                 if (auto* wrong = std::get_if<std::string>(&parsed)) return nonsense(http_effect::reads, provider_words(*wrong));
                 auto& payment = std::get<provider_payment>(parsed);
                 if (payment.payment_id != request.payment_id) return nonsense(http_effect::reads, "another payment than asked for");
                 return std::move(payment);
               });
  }

  io_outcome operator()(const find_payments& request) {
    payments_listed listed;
    for (std::int64_t page = 0, pages = 1; page < pages && page < pages_max; ++page) {
      auto outcome = list_page({{"sortBy", "created_at"}, {"orderBy", "asc"}, {"invoiceId", request.invoice_id}}, page, pages,
                               [&](provider_payment&& payment) {
                                 // A filter that is ignored must not hand us other people's payments.
                                 if (payment.invoice_id == request.invoice_id) listed.payments.push_back(std::move(payment));
                               });
      if (outcome) return *outcome;
    }
    return listed;
  }

  io_outcome operator()(const list_payments& request) {
    payments_page listed;
    std::int64_t pages = 1;
    // Newest first, so that what comes in meanwhile moves rows to later pages, where they are seen again, and never past the one being read.
    auto outcome = list_page({{"sortBy", "created_at"}, {"orderBy", "desc"}, {"dateFrom", to_text(request.since).substr(0, 10)}}, request.page,
                             pages, [&](provider_payment&& payment) { listed.payments.push_back(std::move(payment)); });
    if (outcome) return *outcome;
    listed.more = request.page + 1 < pages && !listed.payments.empty();
    return listed;
  }

  template <class Other>
  io_outcome operator()(const Other& request) {
    return wrong_lane(request);
  }

private:
  /// Calls; `read` gets the body of a success.
  template <class F>
  io_outcome ask(http_request call, F&& read) {
    const auto key = settings_.api_key();
    call.headers.emplace_back("x-api-key", key);
    auto called = http_.call(call);
    if (auto* failure = std::get_if<io_failure>(&called)) return *failure;
    const auto& answer = std::get<http_answer>(called);
    const auto body = parse_json(answer.body);
    if (answer.status < 200 || answer.status > 299) {
      const auto error = error_in(body, key);
      if (error && error->code == "INVALID_API_KEY") return io_failure{fault::transient, "credentials", error->words, {}};
      return status_failure(answer, call.effect, error);
    }
    if (!body || !body->IsObject()) return nonsense(call.effect, "no JSON object");
    return read(*body);
  }

  template <class F>
  std::optional<io_failure> list_page(name_values query, std::int64_t page, std::int64_t& pages, F&& take) {
    auto token = token_now();
    if (auto* failure = std::get_if<io_failure>(&token)) return *failure;
    auto& bearer = std::get<std::string>(token);
    // orderBy is asc or desc; anything else makes the real service answer 500.
    query.insert(query.begin(), {{"limit", std::to_string(page_size)}, {"page", std::to_string(page)}});
    auto outcome = ask({.path = "/v1/payment/",
                        .query = std::move(query),
                        .headers = {{"Authorization", "Bearer " + bearer}},
                        .body = {}},
                       [&](const json_value& body) -> io_outcome {
                         const auto* data = json_member(body, "data");
                         if (!data || !data->IsArray()) return nonsense(http_effect::reads, "a list without data");
                         pages = json_int(body, "pagesCount").value_or(1);
                         for (const auto& row : data->GetArray()) {
                           auto parsed = parse_provider_payment(row);
                           if (auto* wrong = std::get_if<std::string>(&parsed)) return nonsense(http_effect::reads, provider_words(*wrong));
                           take(std::move(std::get<provider_payment>(parsed)));
                         }
                         return done{};
                       });
    auto* failure = std::get_if<io_failure>(&outcome);
    if (!failure) return std::nullopt;
    if (failure->code == "credentials") forget(bearer);
    return *failure;
  }

  std::variant<std::string, io_failure> token_now() {
    const auto email = settings_.email ? settings_.email() : std::string();
    const auto password = settings_.password ? settings_.password() : std::string();
    if (email.empty() || password.empty())
      return io_failure{fault::permanent, "no_credentials", "NOWPAYMENTS_EMAIL and NOWPAYMENTS_PASSWORD are not set", {}};
    std::lock_guard lock(mutex_);
    if (!token_.empty() && std::chrono::steady_clock::now() < token_ends_) return token_;
    json_buffer buffer;
    json_writer writer(buffer);
    writer.StartObject();
    write_member(writer, "email", email);
    write_member(writer, "password", password);
    writer.EndObject();
    auto called = http_.call({.method = "POST", .path = "/v1/auth", .query = {}, .headers = {}, .body = take_text(buffer)});
    if (auto* failure = std::get_if<io_failure>(&called)) return *failure;
    const auto& answer = std::get<http_answer>(called);
    const auto body = parse_json(answer.body);
    if (answer.status < 200 || answer.status > 299) {
      auto failure = status_failure(answer, http_effect::reads, error_in(body, password));
      // A wrong password is the operator's to mend, whatever status it is told by.
      if (failure.kind == fault::permanent) failure = {fault::transient, "credentials", failure.text, {}};
      return failure;
    }
    auto token = body ? json_text_or_empty(*body, "token") : std::string();
    if (token.empty()) return nonsense(http_effect::reads, "no token");
    token_ = std::move(token);
    token_ends_ = std::chrono::steady_clock::now() + token_life;
    return token_;
  }

  void forget(const std::string& token) {
    std::lock_guard lock(mutex_);
    if (token_ == token) token_.clear();
  }

  const nowpayments_settings settings_;
  http_caller http_;
  std::mutex mutex_;
  std::string token_;
  std::chrono::steady_clock::time_point token_ends_{};
};

} // namespace

io_client make_nowpayments_client(nowpayments_settings settings) {
  auto client = std::make_shared<nowpayments_client>(std::move(settings));
  return never_throwing([client](const io_request& request) { return std::visit([&](const auto& r) { return (*client)(r); }, request); });
}

} // namespace paygate
