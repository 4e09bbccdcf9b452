#include "persistence/bot_books.hpp"

#include "persistence/row_codec.hpp"

namespace paygate {

namespace {

// Each list asks for one row more than is wanted: whether there is another page.
constexpr const char* subscriptions_sql =
    "SELECT s.channel_id, s.channel_title, s.status, s.ends_at, coalesce(c.status IN ('registered', 'offered'), false) "
    "FROM subscription s LEFT JOIN channel c ON c.id = s.channel_id::text WHERE s.user_id = $1::bigint "
    "ORDER BY s.ends_at DESC, s.id LIMIT $3::bigint + 1 OFFSET $2::bigint";

constexpr const char* channels_sql =
    "SELECT open_channel_id, closed_channel_id, open_title, closed_title, status FROM channel WHERE owner_user_id = $1::bigint "
    "AND $1::bigint <> 0 AND status NOT IN ('closed', 'refused') ORDER BY open_title, id LIMIT $3::bigint + 1 OFFSET $2::bigint";

constexpr const char* donation_channels_sql =
    "SELECT open_channel_id, closed_channel_id, open_title, closed_title, status FROM channel WHERE donations "
    "AND status IN ('registered', 'offered') ORDER BY closed_title, id LIMIT $2::bigint + 1 OFFSET $1::bigint";

constexpr const char* stats_sql =
    "SELECT c.open_channel_id, c.open_title, c.status, (SELECT count(*) FROM subscription s WHERE s.channel_id = c.open_channel_id AND "
    "s.status <> 'expired'), p.paid, p.donated, p.paid_month, p.gross, p.gross_month, a.pending, a.paid FROM (SELECT * FROM channel "
    "WHERE owner_user_id = $1::bigint AND $1::bigint <> 0 AND ($2::bigint = 0 OR open_channel_id = $2::bigint) AND status <> 'refused' "
    "ORDER BY open_title, id LIMIT $4::bigint + 1 OFFSET $3::bigint) c, "
    "LATERAL (SELECT count(*) AS paid, count(*) FILTER (WHERE p.donation) AS donated, count(*) FILTER (WHERE p.judged_at > now() - "
    "interval '30 days') AS paid_month, coalesce(sum(d.gross), 0) AS gross, coalesce(sum(d.gross) FILTER (WHERE p.judged_at > now() - "
    "interval '30 days'), 0) AS gross_month FROM payment p, LATERAL (SELECT coalesce(sum(gross_usd), 0) AS gross FROM deposit WHERE "
    "order_id = p.id AND settled_at IS NOT NULL AND refund_id = '') d WHERE p.channel_id = c.open_channel_id AND p.status = 'paid') p, "
    "LATERAL (SELECT coalesce(sum(net_usd) FILTER (WHERE status <> 'paid'), 0) AS pending, coalesce(sum(net_usd) FILTER (WHERE status = "
    "'paid'), 0) AS paid FROM accrual WHERE channel_id = c.open_channel_id) a ORDER BY c.open_title, c.id";

constexpr const char* slot_sql = "SELECT granted, used FROM channel_slot WHERE channel_id = $1::bigint AND returned_at IS NULL";

constexpr const char* holdings_sql =
    "SELECT (SELECT count(*) FROM subscription WHERE channel_id = $1::bigint AND status <> 'expired'), "
    "(SELECT count(*) FROM payment WHERE channel_id = $1::bigint AND status IN ('confirming', 'confirmed', 'sending', 'partially_paid', "
    "'underpaid', 'held')), (SELECT count(*) FROM accrual WHERE channel_id = $1::bigint AND status <> 'paid'), "
    "(SELECT count(*) FROM payout WHERE channel_id = $1::bigint AND status NOT IN ('completed', 'failed', 'cancelled'))";

constexpr const char* promos_sql =
    "SELECT p.code, p.status = 'disabled', p.percent, p.fixed_usd, (SELECT count(*) FROM promo_use u WHERE u.promo_id = p.id AND "
    "u.released_at IS NULL), p.uses_max, p.uses_per_user, p.expires_at FROM promo_code p WHERE p.channel_id = $1::bigint "
    "ORDER BY p.status, p.code LIMIT $3::bigint + 1 OFFSET $2::bigint";

constexpr const char* other_access_sql = "SELECT channel_id, ends_at FROM subscription WHERE user_id = $1::bigint AND closed_channel_id = "
                                         "$2::bigint AND channel_id <> $3::bigint "
                                         "AND ends_at > $4::timestamptz ORDER BY ends_at DESC, channel_id LIMIT 1";

constexpr const char* waiting_sql =
    "SELECT user_id FROM subscription WHERE channel_id = $1::bigint AND trouble <> '' AND user_id > $2::bigint "
    "ORDER BY user_id LIMIT $3::bigint";

template <class T>
T read(const pqxx::row& row, int column) {
  T value{};
  read_value(std::string_view(row[column].c_str(), row[column].size()), value);
  return value;
}

channels_listed channels_of(const pqxx::result& rows, std::uint32_t limit) {
  channels_listed listed;
  for (const auto& row : rows) {
    if (listed.channels.size() == limit) {
      listed.more = true;
      break;
    }
    listed.channels.push_back({read<std::int64_t>(row, 0), read<std::int64_t>(row, 1), row[2].c_str(), row[3].c_str(), row[4].c_str()});
  }
  return listed;
}

std::int64_t wide(std::uint32_t value) { return value; }

} // namespace

void prepare_bot_books(pqxx::connection& connection) {
  connection.prepare("bot_subscriptions", subscriptions_sql);
  connection.prepare("bot_channels", channels_sql);
  connection.prepare("bot_donation_channels", donation_channels_sql);
  connection.prepare("bot_stats", stats_sql);
  connection.prepare("bot_slot", slot_sql);
  connection.prepare("bot_holdings", holdings_sql);
  connection.prepare("bot_own_channel",
                     "SELECT open_title FROM channel WHERE id = $1::bigint::text AND owner_user_id = $2::bigint AND $2::bigint <> 0 "
                     "AND status NOT IN ('closed', 'refused', 'claiming')");
  connection.prepare("bot_promos", promos_sql);
  connection.prepare("other_access", other_access_sql);
  connection.prepare("waiting", waiting_sql);
  connection.prepare("bot_accounts", "SELECT id, user_name FROM account WHERE telegram_user_id = $1::bigint AND $1::bigint <> 0 AND status IN "
                                     "('active', 'closing') ORDER BY user_name, id LIMIT 10");
  connection.prepare("account_channels", "SELECT open_channel_id, status IN ('registered', 'offered') FROM channel WHERE owner_account = $1 AND "
                                         "status NOT IN ('closed', 'refused') ORDER BY open_channel_id");
}

io_outcome answer_bot(pqxx::transaction_base& transaction, const list_subscriptions& request) {
  subscriptions_listed listed;
  for (const auto& row : transaction.exec_prepared("bot_subscriptions", request.user_id, wide(request.offset), wide(request.limit))) {
    if (listed.subscriptions.size() == request.limit) {
      listed.more = true;
      break;
    }
    listed.subscriptions.push_back(
        {read<std::int64_t>(row, 0), row[1].c_str(), row[2].c_str(), read<timestamp>(row, 3), read<bool>(row, 4)});
  }
  return listed;
}

io_outcome answer_bot(pqxx::transaction_base& transaction, const list_channels& request) {
  return channels_of(transaction.exec_prepared("bot_channels", request.owner_user_id, wide(request.offset), wide(request.limit)),
                     request.limit);
}

io_outcome answer_bot(pqxx::transaction_base& transaction, const list_donation_channels& request) {
  return channels_of(transaction.exec_prepared("bot_donation_channels", wide(request.offset), wide(request.limit)), request.limit);
}

io_outcome answer_bot(pqxx::transaction_base& transaction, const list_accounts& request) {
  accounts_listed listed;
  for (const auto& row : transaction.exec_prepared("bot_accounts", request.user_id))
    listed.accounts.push_back({row[0].c_str(), row[1].c_str()});
  return listed;
}

io_outcome answer_bot(pqxx::transaction_base& transaction, const channel_stats& request) {
  stats_seen seen;
  for (const auto& row :
       transaction.exec_prepared("bot_stats", request.owner_user_id, request.channel_id, wide(request.offset), wide(request.limit))) {
    if (seen.channels.size() == request.limit) {
      seen.more = true;
      break;
    }
    seen.channels.push_back({read<std::int64_t>(row, 0), row[1].c_str(), row[2].c_str(), read<std::int64_t>(row, 3),
                             read<std::int64_t>(row, 4), read<std::int64_t>(row, 5), read<std::int64_t>(row, 6), read<usd_amount>(row, 7),
                             read<usd_amount>(row, 8), read<usd_amount>(row, 9), read<usd_amount>(row, 10)});
  }
  return seen;
}

io_outcome answer_bot(pqxx::transaction_base& transaction, const get_owner_slot& request) {
  const auto rows = transaction.exec_prepared("bot_slot", request.channel_id);
  if (rows.empty())
    return io_failure{fault::transient, "not_found", "no place of " + std::to_string(request.channel_id) + " is written down", {}};
  return owner_slot_seen{read<bool>(rows[0], 0), read<std::int64_t>(rows[0], 1)};
}

io_outcome answer_bot(pqxx::transaction_base& transaction, const get_channel_holdings& request) {
  const auto rows = transaction.exec_prepared("bot_holdings", request.channel_id);
  return channel_holdings{read<std::int64_t>(rows[0], 0), read<std::int64_t>(rows[0], 1), read<std::int64_t>(rows[0], 2),
                          read<std::int64_t>(rows[0], 3)};
}

io_outcome answer_bot(pqxx::transaction_base& transaction, const list_promos& request) {
  promos_listed listed;
  const auto channel = transaction.exec_prepared("bot_own_channel", request.channel_id, request.owner_user_id);
  if (channel.empty()) return listed;
  listed.channel_title = channel[0][0].c_str();
  for (const auto& row : transaction.exec_prepared("bot_promos", request.channel_id, wide(request.offset), wide(request.limit))) {
    if (listed.codes.size() == request.limit) {
      listed.more = true;
      break;
    }
    listed.codes.push_back({row[0].c_str(), read<bool>(row, 1), read<std::int32_t>(row, 2), read<usd_amount>(row, 3),
                            read<std::int64_t>(row, 4), read<std::int32_t>(row, 5), read<std::int32_t>(row, 6),
                            row[7].is_null() ? std::nullopt : std::optional(read<timestamp>(row, 7))});
  }
  return listed;
}

io_outcome answer_bot(pqxx::transaction_base& transaction, const find_other_access& request) {
  const auto rows =
      transaction.exec_prepared("other_access", request.user_id, request.closed_channel_id, request.channel_id, to_text(request.at));
  if (rows.empty()) return other_access_seen{};
  return other_access_seen{read<std::int64_t>(rows[0], 0), read<timestamp>(rows[0], 1)};
}

io_outcome answer_bot(pqxx::transaction_base& transaction, const get_waiting& request) {
  waiting_seen seen;
  for (const auto& row : transaction.exec_prepared("waiting", request.channel_id, request.after, wide(request.limit)))
    seen.user_ids.push_back(read<std::int64_t>(row, 0));
  return seen;
}

io_outcome answer_bot(pqxx::transaction_base& transaction, const get_account_channels& request) {
  account_channels seen;
  for (const auto& row : transaction.exec_prepared("account_channels", request.account_id)) {
    ++seen.open;
    if (read<bool>(row, 1)) seen.selling.push_back(read<std::int64_t>(row, 0));
  }
  return seen;
}

} // namespace paygate
