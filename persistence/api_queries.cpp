#include "persistence/api_queries.hpp"

// What owners see of their channels.
namespace paygate::queries {

namespace {

const std::string args = "($1::jsonb)";
std::string arg(const std::string& name) { return "(" + args + "->>'" + name + "')"; }

std::string as_time(const std::string& column) { return "to_char(" + column + R"(, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))"; }
std::string as_amount(const std::string& column) { return "trim_scale(" + column + ")::text"; }

// A channel is its owner's by the web account or by the Telegram user with whom that account is joined now. What was refused never was.
const std::string is_theirs = "((" + arg("account") + " <> '' AND c.owner_account = " + arg("account")
                              + ") OR (c.owner_user_id <> 0 AND c.owner_user_id = (SELECT a.telegram_user_id FROM account a WHERE a.id = "
                              + arg("account") + " AND a.status IN ('active', 'closing')))) AND c.status <> 'refused'";
const std::string own = "own AS (SELECT c.open_channel_id AS channel FROM channel c WHERE c.id = " + arg("id") + " AND " + is_theirs + ")";

std::string tier(const std::string& n) {
  return "CASE WHEN c.tier_" + n + "_days > 0 THEN jsonb_build_array(jsonb_build_object('price_usd', "
         + as_amount("c.tier_" + n + "_price_usd") + ", 'days', c.tier_" + n + "_days)) ELSE '[]' END";
}

// What owners change, and nothing that moves by itself.
const std::string edition =
    "md5(jsonb_build_array(c.closed_channel_id, c.description, c.tier_1_price_usd, c.tier_1_days, c.tier_2_price_usd, c.tier_2_days, "
    "c.tier_3_price_usd, c.tier_3_days, c.donations, c.trial_days, c.strategy, c.threshold_usd, c.payout_ticker, c.payout_network, "
    "c.payout_address, c.payout_extra_id)::text)";

const std::string channel_json =
    "jsonb_build_object('id', c.id, 'closed_channel_id', c.closed_channel_id::text, 'title', c.open_title, 'closed_title', c.closed_title, "
    "'description', c.description, 'status', c.status, 'tiers', "
    + tier("1") + " || " + tier("2") + " || " + tier("3")
    + ", 'donations', c.donations, 'trial_days', c.trial_days, 'strategy', c.strategy, 'threshold_usd', " + as_amount("c.threshold_usd")
    + ", 'payout', jsonb_build_object('currency', c.payout_ticker, 'network', c.payout_network, 'address', c.payout_address, 'memo', "
      "nullif(c.payout_extra_id, '')), 'payout_change', CASE WHEN c.change_token <> '' THEN jsonb_build_object('currency', "
      "c.change_ticker, "
      "'network', c.change_network, 'address', c.change_address, 'memo', nullif(c.change_extra_id, ''), 'confirmed', c.change_confirmed, "
      "'at', "
    + as_time("c.change_at") + ") END, 'created_at', " + as_time("c.created_at") + ", 'updated_at', " + as_time("c.updated_at")
    + ", 'edition', " + edition + ")";

const std::string channels_sql = "SELECT jsonb_build_object('items', coalesce(jsonb_agg(" + channel_json
                                 + " ORDER BY c.created_at, c.id), '[]')) FROM channel c WHERE " + is_theirs;
const std::string channel_sql = "SELECT " + channel_json + " FROM channel c WHERE c.id = " + arg("id") + " AND " + is_theirs;

std::string parts_of_channel(const std::string& names) {
  return "SELECT (SELECT jsonb_object_agg(key, value) FROM jsonb_each(t.channel) WHERE key IN (" + names + ")) FROM (SELECT " + channel_json
         + " AS channel FROM channel c WHERE c.id = " + arg("id") + " AND " + is_theirs + ") t";
}

/// A page of what `page` selects (one row more than asked for, with `position`), in that order.
std::string page_of(const std::string& page, const std::string& order, const std::string& item) {
  const auto limit = arg("limit") + "::int";
  return "WITH " + own + ", page AS (" + page + " LIMIT " + limit + " + 1), shown AS (SELECT * FROM page ORDER BY " + order + " LIMIT "
         + limit + ") SELECT CASE WHEN EXISTS (SELECT FROM own) THEN jsonb_build_object('items', (SELECT coalesce(jsonb_agg(" + item
         + " ORDER BY " + order + "), '[]') FROM shown t), 'next_cursor', CASE WHEN (SELECT count(*) FROM page) > " + limit
         + " THEN (SELECT translate(encode(convert_to(position, 'UTF8'), 'base64'), E'+/=\\n', '-_') FROM (SELECT position, row_number() "
           "OVER (ORDER BY "
         + order + ") AS n FROM shown) k ORDER BY n DESC LIMIT 1) END) END";
}

// Order ids begin with the time; 'zzzz' comes after all of them.
const std::string payments_sql =
    page_of("SELECT p.*, p.id AS position FROM own JOIN payment p ON p.channel_id = own.channel WHERE p.id < coalesce(" + arg("before")
                + ", 'zzzz') ORDER BY p.id DESC",
            "id DESC",
            "(SELECT jsonb_build_object('id', t.id, 'status', t.status, 'donation', t.donation, 'tier', CASE WHEN t.tier >= 0 THEN t.tier "
            "+ 1 END, 'days', t.days, "
            "'price_usd', "
                + as_amount("t.price_usd")
                + ", 'subscriber', t.user_name, 'user_id', t.user_id::text, 'pay_currency', max(d.pay_currency), 'gross_usd', "
                + as_amount("coalesce(sum(d.gross_usd) FILTER (WHERE d.settled_at IS NOT NULL), 0)") + ", 'fee_usd', "
                + as_amount("coalesce(sum(d.fee_usd) FILTER (WHERE d.settled_at IS NOT NULL), 0)") + ", 'net_usd', "
                + as_amount("coalesce(sum(d.net_usd) FILTER (WHERE d.settled_at IS NOT NULL), 0)") + ", 'net_eth', "
                + as_amount("coalesce(sum(d.net_eth) FILTER (WHERE d.settled_at IS NOT NULL), 0)")
                + ", 'arrived', coalesce(bool_and(d.arrived_at IS NOT NULL), false)" + ", 'ordered_at', " + as_time("t.created_at")
                + ", 'judged_at', " + as_time("t.judged_at") + ") FROM deposit d WHERE d.order_id = t.id)");

const std::string subscribers_sql =
    page_of("SELECT s.*, s.id AS position FROM own JOIN subscription s ON s.channel_id = own.channel WHERE s.id > coalesce(" + arg("after")
                + ", '') ORDER BY s.id",
            "id",
            "jsonb_build_object('user_id', t.user_id::text, 'name', t.user_name, 'status', t.status, 'active', t.ends_at > " + arg("now")
                + "::timestamptz, 'starts_at', " + as_time("t.starts_at") + ", 'ends_at', " + as_time("t.ends_at") + ")");

// A position is a time in microseconds and an id.
const std::string payouts_sql = page_of(
    "SELECT p.*, (extract(epoch FROM p.created_at) * 1000000)::bigint || '|' || p.id AS position FROM own JOIN payout p ON p.channel_id = "
    "own.channel WHERE NOT p.refund AND (p.created_at, p.id) < (CASE WHEN "
        + arg("before") + " IS NULL THEN 'infinity' ELSE 'epoch'::timestamptz + split_part(" + arg("before")
        + ", '|', 1)::bigint * interval '1 microsecond' END, coalesce(substr(" + arg("before") + ", strpos(" + arg("before")
        + ", '|') + 1), '')) ORDER BY p.created_at DESC, p.id DESC",
    "created_at DESC, id DESC",
    "jsonb_build_object('id', t.id, 'status', t.status, 'net_usd', " + as_amount("t.net_usd")
        + ", 'payments', t.accruals, 'source_currency', t.pot, 'source_amount', "
        + as_amount("CASE WHEN t.pot = 'usdt' THEN t.source_usdt ELSE t.source_eth END")
        + ", 'currency', t.target_ticker, 'network', t.target_network, 'address', t.address, 'memo', nullif(t.extra_id, ''), 'amount', "
        + as_amount("nullif(t.amount_out, 0)") + ", 'quoted_amount', " + as_amount("nullif(t.quoted_amount, 0)")
        + ", 'swap_id', nullif(t.swap_id, ''), 'tx_hash', nullif(t.tx_hash, ''), 'payout_hash', nullif(t.payout_hash, ''), 'reason', "
          "nullif(t.reason, ''), "
          "'created_at', "
        + as_time("t.created_at") + ", 'completed_at', " + as_time("t.completed_at") + ")");

// The books credit the owner when the provider says that it has paid; it is theirs to be paid out once the chain shows it.
const std::string balance_sql =
    "WITH " + own
    + ", account AS (SELECT 'owner:' || channel || ':' AS name FROM own), booked AS (SELECT p.currency, "
      "-sum(p.units) FILTER (WHERE p.account = a.name || 'available') AS free, -sum(p.units) FILTER (WHERE p.account = a.name || 'held') "
      "AS held "
      "FROM account a JOIN ledger_posting p ON p.account IN (a.name || 'available', a.name || 'held') GROUP BY p.currency), "
      "underway AS (SELECT coalesce(sum(d.net_eth), 0) AS eth FROM deposit d JOIN payment p ON p.id = d.order_id JOIN own ON own.channel = "
      "p.channel_id "
      "WHERE d.settled_at IS NOT NULL AND d.arrived_at IS NULL), "
      "line AS (SELECT b.currency, coalesce(b.free, 0) AS free, coalesce(b.held, 0) AS held, CASE WHEN b.currency = 'eth' THEN "
      "least(u.eth, greatest(coalesce(b.free, 0), 0)) ELSE 0 "
      "END AS pending FROM booked b CROSS JOIN underway u) "
      "SELECT jsonb_build_object('balances', (SELECT coalesce(jsonb_agg(jsonb_build_object('currency', currency, 'pending', "
    + as_amount("pending") + ", 'available', " + as_amount("(free - pending)") + ", 'held', " + as_amount("held")
    + ") ORDER BY currency), '[]') FROM line WHERE free <> 0 OR held <> 0), 'waiting_usd', (SELECT "
    + as_amount("coalesce(sum(a.net_usd), 0)")
    + " FROM own JOIN accrual a ON a.channel_id = own.channel AND a.status IN ('pending', 'converted'))) FROM own";

const std::string stats_sql =
    "WITH " + own + ", span AS (SELECT " + arg("now") + "::timestamptz AS now, date_trunc('day', " + arg("now") + "::timestamptz) - ("
    + arg("days")
    + "::int - 1) * interval '1 day' AS first), day AS (SELECT d FROM span, generate_series(span.first, span.now, interval '1 day') d), "
      "income AS (SELECT date_trunc('day', a.created_at) AS d, count(*) AS payments, sum(a.gross_usd) AS gross, sum(a.net_usd) AS net FROM "
      "own, span, "
      "accrual a WHERE a.channel_id = own.channel AND a.created_at >= span.first GROUP BY 1), "
      "member AS (SELECT s.created_at, s.ends_at FROM own, span, subscription s WHERE s.channel_id = own.channel AND s.ends_at >= "
      "span.first), "
      "came AS (SELECT date_trunc('day', created_at) AS d, count(*) AS n FROM member GROUP BY 1), "
      "went AS (SELECT date_trunc('day', ends_at) AS d, count(*) AS n FROM member, span WHERE ends_at <= span.now GROUP BY 1) "
      "SELECT jsonb_build_object('active', (SELECT count(*) FROM member, span WHERE ends_at > span.now), 'new', (SELECT count(*) FROM "
      "member, span WHERE "
      "created_at >= span.first), 'churned', (SELECT coalesce(sum(n), 0)::bigint FROM went), 'payments', (SELECT coalesce(sum(payments), "
      "0)::bigint FROM income), "
      "'gross_usd', (SELECT "
    + as_amount("coalesce(sum(gross), 0)") + " FROM income), 'net_usd', (SELECT " + as_amount("coalesce(sum(net), 0)")
    + " FROM income), 'days', (SELECT jsonb_agg(jsonb_build_object('day', to_char(day.d, 'YYYY-MM-DD'), 'payments', coalesce(i.payments, "
      "0), 'gross_usd', "
    + as_amount("coalesce(i.gross, 0)") + ", 'net_usd', " + as_amount("coalesce(i.net, 0)")
    + ", 'new', coalesce(c.n, 0), 'churned', coalesce(w.n, 0)) ORDER BY day.d) FROM day LEFT JOIN income i ON i.d = day.d LEFT JOIN came c "
      "ON c.d = day.d LEFT "
      "JOIN went w ON w.d = day.d)) FROM own";

const std::string broadcast_json =
    "jsonb_build_object('id', b.id, 'channel_id', b.channel_id::text, 'status', b.status, 'what', b.what, 'target', b.target, 'scheduled', "
    "b.scheduled, 'html', b.html, "
    "'recipients', b.recipients, 'sent', b.sent, 'failed', b.failed, 'skipped', b.skipped, 'reason', nullif(b.reason, ''), 'created_at', "
    + as_time("b.created_at") + ", 'ended_at', " + as_time("b.ended_at") + ")";

// Of at most so many channels, so that sorting costs little.
const std::string broadcasts_sql =
    "WITH mine AS (SELECT c.open_channel_id AS channel FROM channel c WHERE " + is_theirs + " AND c.id = coalesce(" + arg("channel")
    + ", c.id)), page AS (SELECT b.*, b.created_at AS made FROM mine JOIN broadcast b ON b.channel_id = mine.channel WHERE (b.created_at, "
      "b.id) < (CASE WHEN "
    + arg("before") + " IS NULL THEN 'infinity' ELSE 'epoch'::timestamptz + split_part(" + arg("before")
    + ", '|', 1)::bigint * interval '1 microsecond' END, coalesce(substr(" + arg("before") + ", strpos(" + arg("before")
    + ", '|') + 1), '')) ORDER BY b.created_at DESC, b.id DESC LIMIT " + arg("limit")
    + "::int + 1), shown AS (SELECT * FROM page ORDER BY made DESC, id DESC LIMIT " + arg("limit")
    + "::int) SELECT jsonb_build_object('items', (SELECT coalesce(jsonb_agg(" + broadcast_json
    + " ORDER BY b.made DESC, b.id DESC), '[]') FROM shown b), 'next_cursor', CASE WHEN (SELECT count(*) FROM page) > " + arg("limit")
    + "::int THEN (SELECT translate(encode(convert_to((extract(epoch FROM made) * 1000000)::bigint || '|' || id, 'UTF8'), 'base64'), "
      "E'+/=\n', '-_') FROM shown ORDER BY "
      "made, id LIMIT 1) END)";
const std::string broadcast_sql = "SELECT " + broadcast_json + " FROM broadcast b JOIN channel c ON c.id = b.channel_id::text WHERE b.id = "
                                  + arg("id") + " AND " + is_theirs;
const std::string schedule_sql =
    "SELECT jsonb_build_object('cadence', c.cadence, 'day', c.cadence_day, 'hour', c.cadence_hour, 'next_offer_at', "
    + as_time("c.offer_due_at") + ", 'next_donation_at', " + as_time("c.donation_due_at") + ") FROM channel c WHERE c.id = " + arg("id")
    + " AND " + is_theirs;

const std::string promo_json =
    "jsonb_build_object('code', p.code, 'status', p.status, 'percent', p.percent, 'fixed_usd', " + as_amount("p.fixed_usd")
    + ", 'uses_max', p.uses_max, 'uses_per_user', p.uses_per_user, 'expires_at', " + as_time("p.expires_at")
    + ", 'uses', (SELECT count(*) FROM promo_use u WHERE u.promo_id = p.id AND u.released_at IS NULL))";
const std::string promo_codes_sql = "WITH " + own + " SELECT jsonb_build_object('items', (SELECT coalesce(jsonb_agg(" + promo_json
                                    + " ORDER BY p.code), '[]') FROM promo_code p WHERE p.channel_id = own.channel)) FROM own";
const std::string promo_code_sql =
    "WITH " + own + " SELECT " + promo_json + " FROM own JOIN promo_code p ON p.channel_id = own.channel AND p.code = " + arg("code");

} // namespace

std::string api_sql_of(std::string_view name) {
  if (name == api_channels) return channels_sql;
  if (name == api_channel) return channel_sql;
  if (name == api_tiers) return parts_of_channel("'tiers', 'edition'");
  if (name == api_payout) return parts_of_channel("'payout', 'payout_change', 'strategy', 'threshold_usd', 'edition'");
  if (name == api_payments) return payments_sql;
  if (name == api_subscribers) return subscribers_sql;
  if (name == api_payouts) return payouts_sql;
  if (name == api_balance) return balance_sql;
  if (name == api_stats) return stats_sql;
  if (name == api_broadcasts) return broadcasts_sql;
  if (name == api_broadcast) return broadcast_sql;
  if (name == api_schedule) return schedule_sql;
  if (name == api_promo_codes) return promo_codes_sql;
  if (name == api_promo_code) return promo_code_sql;
  return api_state_sql_of(name);
}

} // namespace paygate::queries
