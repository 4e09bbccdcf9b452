#include <algorithm>
#include <map>
#include <mutex>

#include "persistence/bot_books.hpp"
#include "persistence/database.hpp"
#include "persistence/persistence.hpp"
#include "persistence/reconciliation_books.hpp"
#include "persistence/row_codec.hpp"

namespace paygate {

namespace {

constexpr const char* claim_sql = "SELECT accruals, net_usd, net_eth, net_usdt FROM accrual_claim WHERE claimant = $1";

#define PAYGATE_ARRIVED "EXISTS (SELECT FROM deposit d WHERE d.payment_id = a.payment_id AND d.arrived_at IS NOT NULL)"

constexpr const char* gathered_sql = "SELECT count(*), coalesce(sum(net_usd), 0), coalesce(sum(net_eth), 0) FROM accrual a "
                                     "WHERE status = 'pending' AND " PAYGATE_ARRIVED
                                     // Ways back cost the owners: a person looks before the next conversion may.
                                     " AND NOT EXISTS (SELECT FROM conversion c JOIN failed_transaction f ON f.kind = 'conversion' AND "
                                     "f.entity_id = c.id AND f.resolved_at IS NULL WHERE c.status = 'failed' AND c.lost > 0)";

// A pot is what lies free for a channel in one currency. The least that a pair takes is what the provider last told a payout of that pair;
// after a day it is asked again, by trying.
constexpr const char* due_sql =
    "WITH pot AS (SELECT a.channel_id, CASE WHEN a.status = 'pending' THEN 'eth' ELSE 'usdt' END AS name, min(a.created_at) AS oldest, "
    "sum(CASE WHEN a.status = 'pending' THEN a.net_eth ELSE a.net_usdt END) AS units FROM accrual a "
    "WHERE a.status IN ('pending', 'converted') AND " PAYGATE_ARRIVED " GROUP BY a.channel_id, a.status) "
    "SELECT pot.channel_id, c.owner_chat_id, c.payout_ticker, c.payout_network, c.payout_address, c.payout_extra_id, pot.name "
    "FROM pot JOIN channel c ON c.id = pot.channel_id::text "
    "WHERE pot.units > 0 AND c.payout_address <> '' "
    "AND (c.strategy = 'instant' OR (pot.name = 'usdt' AND (pot.units >= c.threshold_usd OR c.status IN ('draining', 'closed')))) "
    "AND pot.units >= coalesce((SELECT p.pair_minimum FROM payout p WHERE p.target_ticker = c.payout_ticker "
    "AND p.target_network = c.payout_network AND p.pot = pot.name::payout_pot AND p.pair_minimum > 0 "
    "AND p.updated_at > now() - interval '1 day' ORDER BY p.updated_at DESC LIMIT 1), 0) "
    "AND NOT EXISTS (SELECT FROM payout p JOIN failed_transaction f ON f.kind = 'payout' AND f.entity_id = p.id AND f.resolved_at IS NULL "
    "WHERE p.channel_id = pot.channel_id AND p.status = 'failed') "
    "ORDER BY pot.oldest, pot.channel_id, pot.name LIMIT $1::bigint";

// Sums over the ledger above $1, in two parts: entries that no transaction can add to any more, up to the newest that is old enough, and
// the rest. What remains of a liability when what is on its way or in a swap backs it lies in the wallet.
constexpr const char* wallet_books_sql =
    "WITH calm AS (SELECT coalesce((SELECT id FROM ledger_entry WHERE at < now() - interval '10 minutes' ORDER BY id DESC LIMIT 1), 0) AS "
    "id), line AS (SELECT p.entry <= (SELECT id FROM calm) AS calm, p.currency, p.units, CASE WHEN p.account = 'assets:wallet' THEN "
    "'ledger' "
    "WHEN p.account = 'assets:incoming' THEN 'incoming' WHEN p.account LIKE 'assets:%' THEN 'swap' WHEN p.account LIKE 'owner:%' OR "
    "p.account LIKE 'liability:%' THEN 'owed' ELSE 'own' END AS part FROM ledger_posting p WHERE p.entry > $1::bigint AND p.currency IN "
    "('eth', 'usdt')) "
    "SELECT (SELECT id FROM calm), l.calm, l.currency, l.part, sum(l.units) FROM (SELECT * FROM line UNION ALL SELECT true, 'eth', 0, "
    "'own') l GROUP BY 2, 3, 4";

#undef PAYGATE_ARRIVED

constexpr const char* arrival_sql =
    "SELECT kind::text || '/' || entity_id FROM chain_arrival WHERE hash = lower($1) AND currency = $2 "
    "UNION ALL SELECT 'payment/' || order_id FROM deposit WHERE $2 = 'eth' AND lower(payout_hash) = lower($1) AND payout_hash <> '' "
    "AND arrived_at IS NOT NULL LIMIT 1";
// A post whose broadcast was created is that one's matter until the channel has heard the end of it.
constexpr const char* due_posts_sql =
    "SELECT p.channel_id, p.what, p.due_at FROM (SELECT open_channel_id AS channel_id, 'offer' AS what, offer_due_at AS due_at FROM "
    "channel "
    "WHERE offer_due_at <= $1::timestamptz AND status IN ('registered', 'offered') UNION ALL SELECT open_channel_id, 'donation', donation_due_at FROM "
    "channel "
    "WHERE donation_due_at <= $1::timestamptz AND status IN ('registered', 'offered')) p WHERE NOT EXISTS (SELECT FROM broadcast b WHERE b.id = "
    "p.channel_id || '.' || "
    "p.what || '.' || (extract(epoch FROM p.due_at) * 1000000)::bigint) ORDER BY p.due_at, p.channel_id, p.what LIMIT $2::bigint";
#define PAYGATE_SUBSCRIBED "channel_id = $1::bigint AND starts_at <= $2::timestamptz AND ends_at > $2::timestamptz"
constexpr const char* audience_sql = "SELECT count(*) FROM subscription WHERE " PAYGATE_SUBSCRIBED;
constexpr const char* recipients_sql = "SELECT user_id, chat_id FROM subscription WHERE " PAYGATE_SUBSCRIBED
                                       " AND user_id > $3::bigint AND status <> 'expired' ORDER BY user_id LIMIT $4::bigint";
#undef PAYGATE_SUBSCRIBED
constexpr const char* channels_sql = "SELECT open_channel_id, closed_channel_id, closed_title FROM channel WHERE closed_channel_id = $1::text::bigint "
                                     "UNION SELECT open_channel_id, closed_channel_id, closed_title FROM channel WHERE id = $1::text LIMIT 16";
constexpr const char* allowance_sql = "SELECT granted, channel_usd, total_usd FROM payout_allowance WHERE payout_id = $1";

template <class T>
T read(const pqxx::row& row, int column) {
  T value{};
  read_value(std::string_view(row[column].c_str(), row[column].size()), value);
  return value;
}

/// Sums of the ledger's entries up to one, so that the next look reads only what came since. The ledger is append-only; entries get their
/// numbers before they are committed, but not ten minutes before.
struct ledger_sums {
  std::int64_t upto = 0;
  std::map<std::pair<std::string, std::string>, int128> units; ///< By currency and part.
};

struct books_query {
  pqxx::transaction_base& transaction;
  ledger_sums& calm;

  io_outcome operator()(const get_claim& request) const {
    const auto rows = transaction.exec_prepared("claim", request.claimant);
    if (rows.empty()) return io_failure{fault::transient, "not_found", "no claim of " + request.claimant + " is written down", {}};
    return claim_seen{read<std::int64_t>(rows[0], 0), read<usd_amount>(rows[0], 1), read<eth_amount>(rows[0], 2),
                      read<usdt_amount>(rows[0], 3)};
  }
  io_outcome operator()(const get_gathered&) const {
    const auto rows = transaction.exec_prepared("gathered");
    return gathered_seen{read<std::int64_t>(rows[0], 0), read<usd_amount>(rows[0], 1), read<eth_amount>(rows[0], 2)};
  }
  io_outcome operator()(const get_due_payouts& request) const {
    due_payouts_seen seen;
    for (const auto& row : transaction.exec_prepared("due", static_cast<std::int64_t>(request.limit))) {
      due_payout due;
      due.channel_id = read<std::int64_t>(row, 0);
      due.owner_chat_id = read<std::int64_t>(row, 1);
      due.target = {row[2].c_str(), row[3].c_str()};
      due.address = row[4].c_str();
      due.extra_id = row[5].c_str();
      due.pot = read<payout_pot>(row, 6);
      seen.due.push_back(std::move(due));
    }
    return seen;
  }
  io_outcome operator()(const get_wallet_books&) const {
    auto all = calm.units, next = calm.units;
    auto upto = calm.upto;
    for (const auto& row : transaction.exec_prepared("wallet_books", calm.upto)) {
      upto = std::max(upto, read<std::int64_t>(row, 0));
      const std::pair key{std::string(row[2].c_str()), std::string(row[3].c_str())};
      const auto units = read<int128>(row, 4);
      all[key] = checked_add(all[key], units);
      if (read<bool>(row, 1)) next[key] = checked_add(next[key], units);
    }
    calm = {upto, std::move(next)};
    wallet_books_seen seen;
    seen.ledger = all[{"eth", "ledger"}];
    seen.incoming = all[{"eth", "incoming"}];
    seen.owed = checked_sub(0, checked_add(checked_add(all[{"eth", "owed"}], all[{"eth", "swap"}]), seen.incoming));
    seen.owed_usdt = checked_sub(0, checked_add(checked_add(all[{"usdt", "owed"}], all[{"usdt", "swap"}]), all[{"usdt", "incoming"}]));
    return seen;
  }
  io_outcome operator()(const find_arrival& request) const {
    const auto rows = transaction.exec_prepared("arrival", request.hash, request.currency);
    return arrival_seen{rows.empty() ? "" : rows[0][0].c_str()};
  }
  io_outcome operator()(const get_allowance& request) const {
    const auto rows = transaction.exec_prepared("allowance", request.payout_id);
    if (rows.empty()) return io_failure{fault::transient, "not_found", "no allowance of " + request.payout_id + " is written down", {}};
    return allowance_seen{read<bool>(rows[0], 0), read<usd_amount>(rows[0], 1), read<usd_amount>(rows[0], 2)};
  }
  io_outcome operator()(const get_audience& request) const {
    const auto rows = transaction.exec_prepared("audience", request.channel_id, to_text(request.at));
    return audience_seen{read<std::int64_t>(rows[0], 0)};
  }
  io_outcome operator()(const get_recipients& request) const {
    recipients_seen seen;
    for (const auto& row : transaction.exec_prepared("recipients", request.channel_id, to_text(request.at), request.after,
                                                     static_cast<std::int64_t>(request.limit)))
      seen.people.push_back({read<std::int64_t>(row, 0), read<std::int64_t>(row, 1)});
    return seen;
  }
  io_outcome operator()(const get_due_posts& request) const {
    due_posts_seen seen;
    for (const auto& row : transaction.exec_prepared("due_posts", to_text(request.at), static_cast<std::int64_t>(request.limit)))
      seen.due.push_back({read<std::int64_t>(row, 0), read<broadcast_what>(row, 1), read<timestamp>(row, 2)});
    return seen;
  }
  io_outcome operator()(const find_channels& request) const {
    channels_found found;
    for (const auto& row : transaction.exec_prepared("channels", std::to_string(request.channel_id)))
      found.channels.push_back({read<std::int64_t>(row, 0), read<std::int64_t>(row, 1), read<std::string>(row, 2)});
    return found;
  }
  template <class Other>
  io_outcome operator()(const Other& request) const {
    if constexpr (requires { answer_reconciliation(transaction, request); }) return answer_reconciliation(transaction, request);
    if constexpr (requires { answer_bot(transaction, request); }) return answer_bot(transaction, request);
    return io_failure{fault::permanent, "wrong_lane", "the books do not answer this", {}};
  }
};

void prepare_books(pqxx::connection& connection) {
  {
    pqxx::nontransaction session(connection);
    session.exec("SET default_transaction_read_only = on; SET statement_timeout = '15s'");
  }
  connection.prepare("claim", claim_sql);
  connection.prepare("gathered", gathered_sql);
  connection.prepare("due", due_sql);
  connection.prepare("wallet_books", wallet_books_sql);
  prepare_reconciliation_books(connection);
  prepare_bot_books(connection);
  connection.prepare("arrival", arrival_sql);
  connection.prepare("allowance", allowance_sql);
  connection.prepare("audience", audience_sql);
  connection.prepare("recipients", recipients_sql);
  connection.prepare("due_posts", due_posts_sql);
  connection.prepare("channels", channels_sql);
}

class books {
public:
  explicit books(std::string dsn) : link_(std::move(dsn), "books", prepare_books) {}

  io_outcome ask(const io_request& request) {
    const std::lock_guard lock(mutex_);
    auto* connection = link_.open();
    if (!connection) return io_failure{fault::transient, "database", link_.error(), {}};
    try {
      pqxx::work transaction(*connection);
      return std::visit(books_query{transaction, calm_}, request);
    } catch (const std::exception& failure) {
      const auto words = words_of(failure);
      calm_ = {};
      if (classify(connection->is_open(), failure) == database_fault::broken) link_.drop(words);
      return io_failure{fault::transient, "database", words, {}};
    }
  }

private:
  std::mutex mutex_;
  database_link link_;
  ledger_sums calm_;
};

} // namespace

io_client make_books_client(std::string dsn) {
  auto shared = std::make_shared<books>(std::move(dsn));
  return [shared](const io_request& request) { return shared->ask(request); };
}

} // namespace paygate
