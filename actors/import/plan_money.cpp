#include <algorithm>

#include "actors/import/legacy_value.hpp"
#include "actors/import/plan_parts.hpp"

// What gathered, and what was on its way.
namespace paygate::importing {

namespace {

std::string word(const row& r, std::string_view column) {
  auto text = clean_text(r.raw(column)).value_or("");
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

/// At most so many bytes; no character is cut in two, which no database would take.
std::string beginning_of(const std::string& text, std::size_t most) {
  auto size = std::min(text.size(), most);
  while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

/// "; payin_address 0x..." of what is there, short enough for a line.
std::string told(const row& r, std::initializer_list<std::string_view> columns) {
  std::string out;
  for (const auto column : columns)
    if (const auto text = clean_text(r.raw(column)); text && !text->empty())
      out += "; " + std::string(column) + " " + beginning_of(*text, 120);
  return out;
}

imported_swap in_flight(const row& r, const std::string& key, std::initializer_list<std::string_view> columns) {
  imported_swap swap;
  swap.words = "on its way with the predecessor (" + r.table().name + " " + beginning_of(key, 120) + ")" + told(r, columns)
               + ": ask the exchange and the chain what became of it";
  return swap;
}

} // namespace

void planner::conversions_in_flight() {
  each_row("batch_conversions", {"batch_conversion_id"}, [&](const row& r, const std::string& key) {
    const auto status = word(r, "conversion_status");
    if (status == "completed") return settled(r);
    in_flight_batches.insert(key);
    auto swap =
        in_flight(r, key, {"conversion_status", "cn_api_id", "payin_address", "total_eth_usd", "conversion_tx_hash", "error_message"});
    if (const auto usd = positive_amount(r.raw("total_eth_usd"))) swap.net = usd_amount::of_units(*usd);
    want(import_stage::in_flight, r, key, {entity_kind::conversion, imported_id(r.table().name, key)}, conversion_message(std::move(swap)));
  });
}

void planner::batches_in_flight() {
  each_row("payout_batches", {"batch_id"}, [&](const row& r, const std::string& key) {
    const auto status = word(r, "status");
    if (status == "completed") return settled(r);
    in_flight_batches.insert(key);
    auto swap = in_flight(r, key, {"status", "total_amount_usdt", "cn_api_id", "cn_payin_address", "tx_hash", "client_wallet_address"});
    if (const auto closed = whole_number(r.raw("client_id")); closed && channels.contains(*closed))
      swap.channel_id = channels.at(*closed).terms.open_channel_id;
    swap.target = {word(r, "client_payout_currency"), word(r, "client_payout_network")};
    swap.address = clean_text(r.raw("client_wallet_address")).value_or("");
    if (const auto usd = positive_amount(r.raw("total_amount_usdt"))) swap.net = usd_amount::of_units(*usd);
    want(import_stage::in_flight, r, key, {entity_kind::payout, imported_id(r.table().name, key)}, payout_message(std::move(swap)));
  });
}

void planner::payouts_in_flight() {
  // A request whose swap is in the queue is told by the queue.
  std::set<std::string> queued;
  each_row("split_payout_que", {"unique_id"}, [&](const row& r, const std::string& key) {
    queued.insert(key);
    const auto status = word(r, "status");
    if (status == "completed") return settled(r);
    auto swap = in_flight(r, key,
                          {"status", "estimated_eth_amount", "from_amount", "from_currency", "swap_id", "cn_api_id", "payin_address",
                           "tx_hash", "payout_address"});
    if (const auto closed = whole_number(r.raw("closed_channel_id")); closed && channels.contains(*closed))
      swap.channel_id = channels.at(*closed).terms.open_channel_id;
    swap.target = {word(r, "to_currency"), word(r, "to_network")};
    swap.address = clean_text(r.raw("payout_address")).value_or("");
    want(import_stage::in_flight, r, key, {entity_kind::payout, imported_id(r.table().name, key)}, payout_message(std::move(swap)));
  });
  each_row("split_payout_request", {"unique_id"}, [&](const row& r, const std::string& key) {
    if (queued.contains(key)) return settled(r);
    difference(r, key, "it was asked for and is in no queue: whether it was paid, only the exchange knows");
  });
}

void planner::openings() {
  each_row("payout_accumulation", {"id"}, [&](const row& r, const std::string& key) {
    const auto status = word(r, "status"), conversion = word(r, "conversion_status");
    if (status == "paid_out" || truth(r.raw("is_paid_out")).value_or(false)) return settled(r);
    const auto payout_batch = clean_text(r.raw("payout_batch_id")).value_or(""),
               conversion_batch = clean_text(r.raw("batch_conversion_id")).value_or("");
    if (status == "swapping" || in_flight_batches.contains(payout_batch))
      return problem(r, key, "it is being paid out by the predecessor: see what is in flight");
    if (conversion == "swapping" || (conversion != "completed" && in_flight_batches.contains(conversion_batch)))
      return problem(r, key, "it is being converted by the predecessor: see what is in flight");
    // Its batch was through, and the predecessor ended before it wrote so here: taken for open it would be paid a second time.
    if (!payout_batch.empty())
      return problem(r, key, "it is not marked as paid out, and names a payout that is not under way: " + beginning_of(payout_batch, 40));
    if (conversion != "completed" && !conversion_batch.empty())
      return problem(r, key,
                     "it is not marked as converted, and names a conversion that is not under way: " + beginning_of(conversion_batch, 40));
    if (conversion == "failed")
      return problem(r, key, "its conversion failed with the predecessor: where its ETH is, only the chain knows");
    if (status != "pending" && !status.empty()) return problem(r, key, "its status is not known");
    if (conversion != "pending" && conversion != "completed" && !conversion.empty())
      return problem(r, key, "its conversion_status is not known");
    const auto closed = whole_number(r.raw("client_id"));
    const auto found = closed ? channels.find(*closed) : channels.end();
    if (found == channels.end()) return problem(r, key, "its channel is none that is taken over");
    import_opening command;
    command.terms = found->second.terms;
    command.user_id = std::max<std::int64_t>(whole_number(r.raw("user_id")).value_or(0), 0);
    command.source = r.table().name + "/" + key;
    // Its name says ETH, its value is US dollars.
    const auto net = positive_amount(r.raw("accumulated_eth"));
    if (!net) return problem(r, key, "accumulated_eth (its net US dollars) is no amount");
    command.net = usd_amount::of_units(*net);
    if (conversion == "completed") {
      const auto usdt = positive_amount(r.raw("accumulated_amount_usdt"));
      if (!usdt || truncate_to(*usdt, 6) == 0) return problem(r, key, "it was converted, and accumulated_amount_usdt is no amount");
      command.usdt = usdt_amount::of_units(truncate_to(*usdt, 6));
    } else {
      // Dollars are never taken for ETH.
      const auto eth = positive_amount(r.raw("pending_payout_eth"));
      if (!eth) return problem(r, key, "it is not converted, and pending_payout_eth is no amount");
      command.eth = eth_amount::of_units(*eth);
    }
    const auto wallet = clean_text(r.raw("client_wallet_address")).value_or("");
    if (!wallet.empty() && wallet != command.terms.payout_address)
      difference(r, key, "its wallet is not its channel's: the channel's is paid");
    const auto id = imported_id(r.table().name, key);
    want(import_stage::openings, r, key, {entity_kind::payment, id}, payment_message(std::move(command)));
  });
}

} // namespace paygate::importing
