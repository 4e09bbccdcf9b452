#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace paygate {

/// What the payment-processing page starts with; its script then asks the API for news. Every text may come from outside.
struct payment_page {
  std::string order_id, token;
  std::string status; ///< payment_status as text; empty when it is not known (yet).
  std::string channel_title;
  std::string invite_link;
};

/// A whole HTML page without anything loaded from elsewhere; without JavaScript it reloads itself.
std::string render_payment_page(const payment_page& page);

/// What a channel offers, for whoever comes by its link. Texts and links may come from outside.
struct landing_page {
  struct offer {
    std::int32_t days = 0;
    std::string price, link; ///< "10.00"
  };
  std::string title, description;
  std::vector<offer> tiers;
  std::string donate_link; ///< Empty: it takes none.
};
std::string render_landing_page(const landing_page& page);

/// A page that says one thing: "This link is not valid."
std::string render_message_page(std::string_view title, std::string_view text);

/// What pages of other files begin with: up to and with <body>. `title` is escaped here.
std::string page_head(std::string_view title);
/// The policy of a page with that script and our style, which may call our own API.
std::string policy_for(std::string_view script);

/// Content-Security-Policy of these pages: only their own script and style, by hash.
const std::string& page_policy();

} // namespace paygate
