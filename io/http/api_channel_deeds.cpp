#include <algorithm>
#include <charconv>
#include <future>
#include <random>

#include "addresses/address.hpp"
#include "crypto/encoding.hpp"
#include "crypto/hash.hpp"
#include "io/http/api_channel_shapes.hpp"
#include "io/http/api_identity.hpp"
#include "io/http/api_lock.hpp"
#include "io/http/service.hpp"

// Registering, changing and closing channels. The channel's own rules decide; here is only who asks, and whether they have seen what they
// change.
namespace paygate {

namespace {

constexpr milliseconds ask_deadline{5'000}, rights_deadline{10'000}, state_deadline{2'000}, look_pause{50};
constexpr int looks_max = 60; // 3 s

std::int64_t number_of(const json_value& object, const char* name) { return json_int(object, name).value_or(0); }

entity_reply ask_channel(const api_call& call, const std::string& id, channel_message message) {
  return call.service.ports.ask({{entity_kind::channel, id}, any_message{std::move(message)}}, ask_deadline);
}

std::array<tier, 3> tiers_of(const json_value& list) {
  std::array<tier, 3> tiers;
  for (rapidjson::SizeType i = 0; i < list.Size() && i < tiers.size(); ++i)
    tiers[i] = {usd_amount::of_units(json_decimal(list[i], "price_usd").value_or(0)),
                static_cast<std::int32_t>(number_of(list[i], "days"))};
  return tiers;
}

/// Takes over what the body names.
void take_terms(const json_value& body, channel& terms) {
  if (const auto text = json_text(body, "description")) terms.description = *text;
  if (const auto* tiers = json_member(body, "tiers")) terms.tiers = tiers_of(*tiers);
  if (const auto donations = json_bool(body, "donations")) terms.donations = *donations;
  if (const auto days = json_int(body, "trial_days")) terms.trial_days = static_cast<std::int32_t>(*days);
  if (const auto strategy = parse_enum<payout_strategy>(json_text_or_empty(body, "strategy"))) terms.strategy = *strategy;
  if (const auto threshold = json_decimal(body, "threshold_usd")) terms.threshold = usd_amount::of_units(*threshold);
}

void take_destination(const json_value& payout, asset& target, std::string& address, std::string& extra_id) {
  target = {json_text_or_empty(payout, "currency"), json_text_or_empty(payout, "network")};
  address = json_text_or_empty(payout, "address");
  extra_id = json_text_or_empty(payout, "memo");
}

std::vector<api_field> term_fields() {
  return {text_field("description", 0, 2000, "What is told in the offer."),
          list_field("tiers", 1, 3, tier_shape(true), "What can be bought, 1 to 3."),
          boolean_field("donations", "Whether donations are taken."),
          integer_field("trial_days", 0, 3660, "A first stay for nothing; 0: none."),
          text_field("strategy", 1, 20, "When value is paid out.").among({"instant", "threshold"}),
          amount_field("threshold_usd", "How much gathers before it is paid out, with the strategy threshold.")};
}

/// The caller's Telegram user; 0: none.
std::int64_t telegram_user_of(const api_call& call) {
  const auto reply =
      ask_identity(call.service, entity_kind::account, call.caller.account_id, account_message{get_account{call.caller.login_epoch}});
  const auto* account = std::get_if<account_view>(&reply);
  return account ? account->telegram_user_id : 0;
}

/// Whether the caller may sell access to these channels; the refusal when not. Fills in the titles.
std::optional<api_answer> rights_objection(const api_call& call, channel& terms) {
  if (terms.owner_user_id == 0)
    return api_problem(403, "This account is not linked with a Telegram user: please link it, or register the channel in the bot, by "
                            "/channels.");
  if (!call.service.ports.call) return api_busy();
  const auto outcome =
      call.service.ports.call(check_rights{terms.open_channel_id, terms.closed_channel_id, terms.owner_user_id}, rights_deadline);
  const auto* rights = std::get_if<rights_checked>(&outcome);
  if (!rights) return api_busy();
  if (!rights->good())
    return api_problem(403, rights->words.empty() ? "You and the bot must be administrators of both channels." : rights->words);
  terms.open_title = rights->open_title;
  terms.closed_title = rights->closed_title;
  return std::nullopt;
}

/// The channel as soon as it has found out whether its owner has a place free.
api_answer settled(const api_call& call, const std::string& id) {
  for (int i = 0; i < looks_max; ++i) {
    const auto reply = ask_channel(call, id, get_channel{});
    const auto* no = std::get_if<refused>(&reply);
    if (!no) break;
    if (no->code != refusal::busy) return api_refused(*no);
    std::promise<void>().get_future().wait_for(look_pause);
  }
  auto json = call.service.ports.query("api_channel", owner_arguments(call, id) + "}", state_deadline);
  if (!json.starts_with("{\"") || json.starts_with("{\"error\"")) return api_busy();
  auto etag = etag_of(json);
  return {201, std::move(json), std::move(etag), {{"Location", "/api/channels/" + id}}};
}

api_answer create_channel(const api_call& call) {
  channel terms;
  terms.open_channel_id = number_of(*call.body, "open_channel_id");
  terms.closed_channel_id = number_of(*call.body, "closed_channel_id");
  terms.donations = true;
  take_terms(*call.body, terms);
  take_destination(*json_member(*call.body, "payout"), terms.payout_asset, terms.payout_address, terms.payout_extra_id);
  terms.owner_user_id = terms.owner_chat_id = telegram_user_of(call);
  terms.owner_account = call.caller.account_id;
  const auto id = std::to_string(terms.open_channel_id);
  if (std::holds_alternative<channel_view>(ask_channel(call, id, get_channel{})))
    return api_problem(409, "This channel is registered already.");
  if (auto objection = rights_objection(call, terms)) return std::move(*objection);
  const auto reply = ask_channel(call, id, register_channel{std::move(terms), true});
  if (const auto* no = std::get_if<refused>(&reply)) return api_refused(*no);
  return settled(call, id);
}

/// A change of terms by who has seen them; `change` makes it.
api_answer change_terms(const api_call& call, std::string_view answer_with, const std::function<void(channel&)>& change) {
  // Who does not own it learns nothing, not even that it is being changed.
  if (auto seen = answer_rows(call, "api_channel", 200); seen.status != 200) return seen;
  const change_lock lock(call, call.params[0]);
  if (auto no = lock.refusal("channel")) return *no;
  const auto now = answer_rows(call, "api_channel", 200);
  if (now.status != 200) return now;
  if (!if_match_holds(call, now.etag))
    return api_problem(412, "The channel was changed since it was read. Please read it again.");
  const auto reply = ask_channel(call, call.params[0], get_channel{});
  if (const auto* no = std::get_if<refused>(&reply))
    return no->code == refusal::not_found ? api_problem(409, "The channel is not on sale any more.") : api_refused(*no);
  const auto* view = std::get_if<channel_view>(&reply);
  if (!view || !view->terms) return api_busy();
  auto terms = *view->terms;
  change(terms);
  // A wallet that needs no memo is stored without one, and has to say so again.
  const auto& pays = terms.payout_asset;
  if (terms.payout_extra_id.empty() && check_address(pays.ticker, pays.network, terms.payout_address).fault == address_fault::memo_missing)
    terms.payout_extra_id = no_memo;
  const auto changed = ask_channel(call, call.params[0], register_channel{std::move(terms), true});
  if (const auto* no = std::get_if<refused>(&changed)) return api_refused(*no);
  return answer_rows(call, answer_with, 200);
}

api_answer update_channel(const api_call& call) {
  return change_terms(call, "api_channel", [&](channel& terms) { take_terms(*call.body, terms); });
}

api_answer put_tiers(const api_call& call) {
  return change_terms(call, "api_tiers", [&](channel& terms) { terms.tiers = tiers_of(*json_member(*call.body, "tiers")); });
}

api_answer delete_channel(const api_call& call) {
  if (auto seen = answer_rows(call, "api_channel", 200); seen.status != 200) return seen;
  const auto reply = ask_channel(call, call.params[0], close_channel{});
  if (const auto* no = std::get_if<refused>(&reply)) return api_refused(*no);
  return answer_rows(call, "api_channel", 202);
}

/// Not to be guessed: it stands under a button in the owner's chat.
std::string new_token() {
  std::random_device source;
  std::array<std::uint8_t, 16> random{};
  for (auto& byte : random) byte = static_cast<std::uint8_t>(source());
  return base64url_encode(random);
}

/// "<channel id>.<secret>" of a mail's link. Who follows it need not be logged in: the secret is what tells the owner.
api_answer confirm_payout(const api_call& call) {
  const auto token = json_text_or_empty(*call.body, "token");
  const auto dot = token.find('.');
  const auto id = token.substr(0, dot);
  const auto bad = api_problem(422, "The link is not valid, or not any more.");
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (dot == token.npos || error != std::errc() || std::to_string(number) != id) return bad;
  const auto reply = ask_channel(call, id, confirm_payout_by_mail{sha256_hex(token.substr(dot + 1))});
  if (const auto* no = std::get_if<refused>(&reply)) return is_for_now(no->code) ? api_refused(*no) : bad;
  return said(200, "confirmed");
}

api_answer change_payout_address(const api_call& call) {
  if (auto seen = answer_rows(call, "api_channel", 200); seen.status != 200) return seen;
  change_payout wish;
  take_destination(*call.body, wish.target, wish.address, wish.extra_id);
  wish.token = new_token();
  wish.in_telegram = telegram_user_of(call) != 0;
  wish.account = call.caller.account_id;
  const auto reply = ask_channel(call, call.params[0], std::move(wish));
  if (const auto* no = std::get_if<refused>(&reply)) return api_refused(*no);
  return answer_rows(call, "api_payout", 202);
}

api_answer drop_payout_change(const api_call& call) {
  if (auto seen = answer_rows(call, "api_channel", 200); seen.status != 200) return seen;
  // Whatever is under way; not by its terms, which a channel that is closed to new sales does not tell.
  const auto reply = ask_channel(call, call.params[0], cancel_payout_change{});
  if (const auto* no = std::get_if<refused>(&reply))
    return is_for_now(no->code) ? api_refused(*no) : api_problem(409, "No change is under way.");
  return answer_rows(call, "api_payout", 200);
}

api_route deed(std::string method, std::string last, std::string name, std::string summary, api_outcome gives, api_handler handler) {
  api_route route;
  route.method = std::move(method);
  route.pattern = "/api/channels" + last;
  route.name = std::move(name);
  route.summary = std::move(summary);
  route.tag = "channels";
  route.access = api_access::verified_owner;
  if (last.find('{') != std::string::npos) route.path = {channel_id_field()};
  route.gives = {std::move(gives)};
  route.fails = {409};
  route.handler = std::move(handler);
  return route;
}

} // namespace

void add_channel_deeds_api(std::vector<api_route>& routes) {
  auto fields = term_fields();
  std::vector<api_field> wanted{telegram_id_field("open_channel_id", "Where offers are posted."),
                                telegram_id_field("closed_channel_id", "What people pay for.")},
      changes;
  for (const auto& field : fields) {
    wanted.push_back(field.name == "tiers" ? field : field.optional());
    changes.push_back(field.optional());
  }
  wanted.push_back(object_field("payout", destination_shape(true), "Where value is paid to."));
  auto create =
      deed("POST", "", "create_channel", "Registers a channel. You and the bot must be administrators of both; at most 10 per owner.",
           {201, channel_shape(), "It is registered.", true}, create_channel);
  create.takes = make_shape("NewChannel", std::move(wanted));
  create.creates = true;
  routes.push_back(std::move(create));
  auto update = deed("PATCH", "/{id}", "update_channel", "Changes terms of a channel.", {200, channel_shape(), "As it is now.", true},
                     update_channel);
  update.takes = make_shape("ChannelChanges", std::move(changes));
  update.matches = true;
  routes.push_back(std::move(update));
  routes.push_back(deed("DELETE", "/{id}", "delete_channel",
                        "Takes a channel off sale. Subscribers, value and payouts come to their end; then it is closed. The books stay.",
                        {202, channel_shape(), "It is closed to new sales.", true}, delete_channel));
  auto tiers =
      deed("PUT", "/{id}/tiers", "put_tiers", "Sets what a channel sells.", {200, tiers_shape(), "As it is now.", true}, put_tiers);
  tiers.takes = make_shape("NewTiers", {list_field("tiers", 1, 3, tier_shape(true), "1 to 3.")});
  tiers.matches = true;
  routes.push_back(std::move(tiers));
  auto payout = deed("PUT", "/{id}/payout", "change_payout",
                     "Asks for another place to be paid to. It waits for the owner's confirmation, by the link in a mail or by a button in "
                     "Telegram, and then for some hours.",
                     {202, payout_terms_shape(), "It waits for the confirmation.", true}, change_payout_address);
  payout.takes = destination_shape(true);
  payout.fails.clear();
  routes.push_back(std::move(payout));
  routes.push_back(deed("DELETE", "/{id}/payout/change", "drop_payout_change", "Takes the change of the payout address back.",
                        {200, payout_terms_shape(), "As it is now.", true}, drop_payout_change));
  api_route confirm;
  confirm.method = "POST";
  confirm.pattern = "/api/auth/confirm-payout";
  confirm.name = "confirm_payout";
  confirm.summary = "Confirms another place to be paid to, by the link of the mail.";
  confirm.tag = "auth";
  confirm.access = api_access::anyone;
  confirm.takes = make_shape("BodyConfirmPayout", {text_field("token", 1, 200, "From the link in the mail.")});
  confirm.body_max = 4 * 1024;
  confirm.gives = {{200, said_shape(), "It is confirmed, and takes effect when its time has come."}};
  confirm.is_auth = true;
  confirm.handler = confirm_payout;
  routes.push_back(std::move(confirm));
}

} // namespace paygate
