#include <algorithm>

#include "io/http/api.hpp"
#include "io/http/api_channel_shapes.hpp"
#include "io/http/service.hpp"

// What happened on a channel: lists, balance, figures.
namespace paygate {

namespace {

constexpr std::int64_t int_max = 9'007'199'254'740'991; // What a reader of JSON can count to.

shape_ptr payment_shape() {
  return make_shape("Payment",
                    {text_field("id", 1, 64, "The order."), text_field("status", 1, 40, "Where it is: paid is good."),
                     boolean_field("donation", "Whether it was given, not paid for access."),
                     integer_field("tier", 1, 3, "What was bought.").or_null(), integer_field("days", 0, 3660, "For how long."),
                     amount_field("price_usd", "What was asked."), text_field("subscriber", 0, 300, "Who pays, as Telegram names them."),
                     telegram_id_field("user_id", "Their Telegram id."), text_field("pay_currency", 0, 40, "What was paid in.").or_null(),
                     amount_field("gross_usd", "What it was worth, as far as it is settled."),
                     amount_field("fee_usd", "The platform's part."), amount_field("net_usd", "The owner's part."),
                     amount_field("net_eth", "The same in ETH."), boolean_field("arrived", "Whether the chain has shown it."),
                     time_field("ordered_at", "When Pay was pressed."), time_field("judged_at", "When it was judged.").or_null()});
}

shape_ptr subscriber_shape() {
  return make_shape("Subscriber",
                    {telegram_id_field("user_id", "Their Telegram id."), text_field("name", 0, 300, "As Telegram names them."),
                     text_field("status", 1, 40, "Where the subscription is."),
                     boolean_field("active", "Whether its end is still to come."), time_field("starts_at", "When it began."),
                     time_field("ends_at", "When it ends, or ended.")});
}

shape_ptr payout_shape() {
  return make_shape("Payout",
                    {text_field("id", 1, 128, "The payout."), text_field("status", 1, 40, "Where it is."),
                     amount_field("net_usd", "What it was worth when it was earned."),
                     integer_field("payments", 0, int_max, "How many payments it pays out."),
                     text_field("source_currency", 1, 10, "What it is paid from."), amount_field("source_amount", "How much of that."),
                     text_field("currency", 1, 32, "What the owner gets."), text_field("network", 1, 32, "On which network."),
                     text_field("address", 0, 256, "Where."), text_field("memo", 1, 128, "Memo or extra id.").or_null(),
                     amount_field("amount", "What the owner got.").or_null(), amount_field("quoted_amount", "What was quoted.").or_null(),
                     text_field("swap_id", 1, 128, "The exchange's number.").or_null(),
                     text_field("tx_hash", 1, 128, "Our transaction.").or_null(),
                     text_field("payout_hash", 1, 200, "The transaction to the owner.").or_null(),
                     text_field("reason", 1, 1000, "Why it waits or failed.").or_null(), time_field("created_at", "When it began."),
                     time_field("completed_at", "When it was completed.").or_null()});
}

shape_ptr balance_shape() {
  const auto line = make_shape(
      "CurrencyBalance", {text_field("currency", 1, 20, "eth or usdt."), amount_field("pending", "Paid, and not yet seen on the chain."),
                          amount_field("available", "Gathered, free to be paid out."), amount_field("held", "Promised to a payout.")});
  return make_shape("Balance", {list_field("balances", 0, 20, line, "By currency; those that are not zero."),
                                amount_field("waiting_usd", "What pending and available were worth when they were earned.")});
}

shape_ptr stats_shape() {
  const auto day = make_shape("Day", {text_field("day", 10, 10, "In UTC."), integer_field("payments", 0, int_max, "How many."),
                                      amount_field("gross_usd", "What came in."), amount_field("net_usd", "The owner's part."),
                                      integer_field("new", 0, int_max, "First-time subscribers."),
                                      integer_field("churned", 0, int_max, "Whose access ended and was not renewed.")});
  return make_shape("Stats",
                    {integer_field("active", 0, int_max, "Subscribers now."), integer_field("new", 0, int_max, "Over all days."),
                     integer_field("churned", 0, int_max, "Over all days."), integer_field("payments", 0, int_max, "Over all days."),
                     amount_field("gross_usd", "Over all days."), amount_field("net_usd", "Over all days."),
                     list_field("days", 1, 366, day, "Oldest first; the last is today.")});
}

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

api_answer tell_stats(const api_call& call) {
  const auto days = call.query("days");
  auto rows = ask_rows(call, "api_stats",
                       ",\"days\":" + (days.empty() ? "30" : std::to_string(std::stoi(days)))
                           + ",\"now\":" + json_quoted(to_text(call.service.ports.clock->now())));
  if (auto* problem = std::get_if<api_answer>(&rows)) return std::move(*problem);
  return {200, std::get<std::string>(std::move(rows)), "", {}};
}

api_answer tell_balance(const api_call& call) {
  auto rows = ask_rows(call, "api_balance");
  if (auto* problem = std::get_if<api_answer>(&rows)) return std::move(*problem);
  return {200, std::get<std::string>(std::move(rows)), "", {}};
}

api_route list_route(std::string last, std::string name, std::string summary, shape_ptr shape, api_handler handler) {
  api_route route;
  route.method = "GET";
  route.pattern = "/api/channels/{id}/" + last;
  route.name = std::move(name);
  route.summary = std::move(summary);
  route.tag = "business";
  route.path = {channel_id_field()};
  route.gives = {{200, std::move(shape), "As it is now.", false}};
  route.handler = std::move(handler);
  return route;
}

} // namespace

api_handler page_reader(std::string_view query, std::string position, std::string further) {
  return [query, position, further](const api_call& call) -> api_answer {
    auto more =
        ",\"limit\":" + std::to_string(page_limit(call)) + ",\"now\":" + json_quoted(to_text(call.service.ports.clock->now())) + further;
    if (const auto cursor = call.query("cursor"); !cursor.empty()) {
      const auto after = read_cursor(cursor);
      // What PostgreSQL takes for no text is no cursor of ours.
      if (!after || !is_plain(*after)) return api_problem(400, "The cursor is not one that was given here.");
      more += ",\"" + position + "\":" + json_quoted(*after);
    }
    auto rows = ask_rows(call, query, more);
    if (auto* problem = std::get_if<api_answer>(&rows)) return std::move(*problem);
    return {200, std::get<std::string>(std::move(rows)), "", {}};
  };
}

void add_list_api(std::vector<api_route>& routes) {
  auto payments = list_route("payments", "list_payments", "Orders and donations, newest first.", page_of(payment_shape()),
                             page_reader("api_payments", "before"));
  auto people = list_route("subscribers", "list_subscribers", "Who has, or had, access.", page_of(subscriber_shape()),
                           page_reader("api_subscribers", "after"));
  auto payouts = list_route("payouts", "list_payouts", "Payouts to the owner, newest first.", page_of(payout_shape()),
                            page_reader("api_payouts", "before"));
  payments.query = people.query = payouts.query = paging_fields();
  routes.push_back(std::move(payments));
  routes.push_back(std::move(people));
  routes.push_back(std::move(payouts));
  routes.push_back(list_route("balance", "get_balance", "What is owed to the owner.", balance_shape(), tell_balance));
  auto stats = list_route("stats", "get_stats", "Income per day, subscribers won and lost.", stats_shape(), tell_stats);
  stats.query = {integer_field("days", 1, 366, "How many days; 30 when it is not given.").optional()};
  routes.push_back(std::move(stats));
}

} // namespace paygate
