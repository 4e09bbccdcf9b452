#pragma once

#include "io/http/api.hpp"

// What the routes about channels have in common.
namespace paygate {

inline api_field channel_id_field() { return telegram_id_field("id", "The channel: its open channel's Telegram id."); }

inline api_field edition_field() {
  return text_field("edition", 1, 64, "Changes with the channel's terms, and with nothing else: the ETag, without its quotes.");
}

inline shape_ptr tier_shape(bool taken) {
  static const auto given =
      make_shape("Tier", {amount_field("price_usd", "What it costs."), integer_field("days", 1, 3660, "How long it lasts.")});
  static const auto wanted = make_shape("NewTier", given->fields);
  return taken ? wanted : given;
}

inline std::vector<api_field> destination_fields() {
  return {text_field("currency", 1, 32, "ChangeNOW's ticker, lower case.").like("[a-z0-9]+"),
          text_field("network", 1, 32, "ChangeNOW's word for the network, lower case.").like("[a-z0-9]+"),
          text_field("address", 1, 256, "The wallet.")};
}

inline shape_ptr destination_shape(bool taken) {
  static const auto given = [] {
    auto fields = destination_fields();
    fields.push_back(text_field("memo", 1, 128, "Memo or extra id.").or_null());
    return make_shape("PayoutAddress", fields);
  }();
  static const auto wanted = [] {
    auto fields = destination_fields();
    fields.push_back(text_field("memo", 1, 128, "Memo or extra id, where the network has one; \"none\" when the wallet needs none.")
                         .optional()
                         .or_null());
    return make_shape("NewPayoutAddress", fields);
  }();
  return taken ? wanted : given;
}

inline shape_ptr payout_change_shape() {
  static const auto shape = [] {
    auto fields = destination_fields();
    fields.push_back(text_field("memo", 1, 128, "Memo or extra id.").or_null());
    fields.push_back(boolean_field("confirmed", "Whether the owner has confirmed it."));
    fields.push_back(time_field("at", "Confirmed: when it takes effect. Else: when it is forgotten.").or_null());
    return make_shape("PayoutChange", fields);
  }();
  return shape;
}

inline shape_ptr channel_shape() {
  static const auto shape = make_shape(
      "Channel",
      {telegram_id_field("id", "The open channel's Telegram id."),
       telegram_id_field("closed_channel_id", "The closed channel's Telegram id."),
       text_field("title", 0, 255, "The open channel's title."), text_field("closed_title", 0, 255, "The closed channel's title."),
       text_field("description", 0, 2000, "What is told in the offer."),
       text_field(
           "status", 1, 20,
           "claiming: being registered; registered: its offer is being posted; offered: on sale; draining: nothing new is sold; closed.")
           .among({"claiming", "registered", "offered", "draining", "closed"}),
       list_field("tiers", 0, 3, tier_shape(false), "What can be bought."), boolean_field("donations", "Whether donations are taken."),
       integer_field("trial_days", 0, 3660, "A first stay for nothing, once per user; 0: none."),
       text_field("strategy", 1, 20, "When value is paid out.").among({"instant", "threshold"}),
       amount_field("threshold_usd", "With the strategy threshold: how much gathers before it is paid out."),
       object_field("payout", destination_shape(false), "Where value is paid to."),
       object_field("payout_change", payout_change_shape(), "Another place that was asked for; null: none.").or_null(),
       time_field("created_at", "When it was registered."), time_field("updated_at", "When its row last changed."), edition_field()});
  return shape;
}

void add_promo_api(std::vector<api_route>& routes);

shape_ptr tiers_shape();
shape_ptr payout_terms_shape();

/// The edition in a channel's JSON, as an ETag.
std::string etag_of(const std::string& json);

/// The caller's channel, or a part of it, as the rows have it, with its edition as the ETag.
api_answer answer_rows(const api_call& call, std::string_view query, int status);

} // namespace paygate
