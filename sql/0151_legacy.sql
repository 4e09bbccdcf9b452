-- The predecessor's tables as read-only views (spec 11), for its queries and dashboards with search_path = legacy. Names and meanings are
-- theirs, also where they mislead: accumulated_eth holds US dollars. Nothing reads these but people.

-- What the daemon runs with, written at each start; amounts as they stand in the settings.
CREATE TABLE setting_in_use (
  key text PRIMARY KEY,
  value text NOT NULL,
  changed_at timestamptz NOT NULL
);
-- Visits of GET /c/{channel}.
CREATE TABLE landing_visit (
  channel_id bigint NOT NULL,
  day date NOT NULL,
  visits bigint NOT NULL CHECK (visits > 0),
  last_at timestamptz NOT NULL,
  PRIMARY KEY (channel_id, day)
);

CREATE SCHEMA legacy;

-- A uuid that stays the same for one name of ours.
CREATE FUNCTION legacy.uuid_of(name text) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT md5('paygate:' || name)::uuid $$;

-- One row per payment that gathers or gathered. What an instant payout took at once never gathered: it is in split_payout_request.
CREATE VIEW legacy.payout_accumulation AS
  SELECT a.id, p.closed_channel_id::text AS client_id, p.user_id, p.payout_address AS client_wallet_address, p.payout_ticker AS client_payout_currency,
         p.payout_network AS client_payout_network, a.net_usd AS accumulated_eth,
         CASE WHEN a.net_usdt > 0 THEN a.net_usdt ELSE a.net_usd END AS accumulated_amount_usdt,
         CASE WHEN a.net_usdt > 0 THEN c.achieved_rate END AS eth_to_usdt_rate,
         CASE WHEN a.net_usdt > 0 THEN c.completed_at END AS conversion_timestamp,
         CASE WHEN a.net_usdt > 0 OR (a.status IN ('paying', 'paid')) THEN 'completed' WHEN a.status = 'converting' THEN 'swapping'
              WHEN f.failed THEN 'failed' ELSE 'pending' END AS conversion_status,
         coalesce(c.swap_tries, 0)::integer AS conversion_attempts,
         coalesce(c.quoted_at, c.created_at) AS last_conversion_attempt,
         CASE WHEN a.conversion_id <> '' THEN legacy.uuid_of('conversion/' || a.conversion_id) END AS batch_conversion_id,
         nullif(c.tx_hash, '') AS conversion_tx_hash,
         CASE WHEN a.status = 'paid' THEN 0 ELSE a.net_usd END::numeric(38,18) AS pending_payout_usd,
         CASE WHEN a.status = 'paid' OR a.net_usdt > 0 THEN 0 ELSE a.net_eth END::numeric(38,18) AS pending_payout_eth,
         CASE a.status WHEN 'paid' THEN 'paid_out' WHEN 'paying' THEN 'swapping' WHEN 'converting' THEN 'swapping' ELSE 'pending' END AS status,
         a.created_at, a.updated_at,
         CASE WHEN a.status IN ('paying', 'paid') THEN a.payout_id END AS payout_batch_id,
         a.status = 'paid' AS is_paid_out, d.payment_id AS nowpayments_payment_id, d.gross_usd AS payment_amount_usd, a.fee_usd AS payment_fee_usd
  FROM accrual a JOIN payment p ON p.id = a.order_id JOIN deposit d ON d.payment_id = a.payment_id LEFT JOIN conversion c ON c.id = a.conversion_id
  LEFT JOIN payout o ON o.id = a.payout_id AND a.payout_id <> '',
  LATERAL (SELECT a.status = 'converting' AND c.status = 'failed' AS failed) f
  WHERE o.id IS NULL OR o.order_id = '';

CREATE VIEW legacy.batch_conversions AS
  SELECT substr(id, 2)::bigint AS id, legacy.uuid_of('conversion/' || id) AS batch_conversion_id, net_usd AS total_eth_usd,
         threshold_usd AS threshold_at_creation, nullif(swap_id, '') AS cn_api_id, nullif(payin_address, '') AS payin_address,
         CASE WHEN status IN ('claiming', 'requested', 'estimating') THEN 'pending' WHEN status = 'completed' THEN 'completed'
              WHEN status IN ('failed', 'cancelled') THEN 'failed' ELSE 'swapping' END AS conversion_status,
         nullif(received_usdt, 0) AS actual_usdt_received, nullif(tx_hash, '') AS conversion_tx_hash, created_at,
         quoted_at AS processing_started_at, completed_at
  FROM conversion WHERE id ~ '^c[0-9]{1,18}$';

CREATE VIEW legacy.processed_payments AS
  SELECT p.id AS unique_id, CASE WHEN d.payment_id ~ '^[0-9]{1,18}$' THEN d.payment_id::bigint END AS payment_id, d.status::text AS payment_status,
         d.gross_eth AS outcome_amount, d.gross_usd AS actual_price_usd, p.price_usd AS price_amount, 'usd'::text AS price_currency,
         p.user_id, p.closed_channel_id AS channel_id, d.settled_at IS NOT NULL AS gcwebhook1_processed, d.settled_at AS gcwebhook1_processed_at,
         p.invited_at IS NOT NULL AS telegram_invite_sent, p.invited_at AS telegram_invite_sent_at, nullif(p.invite_link, '') AS telegram_invite_link,
         d.outcome_currency, p.created_at, p.updated_at
  FROM deposit d JOIN payment p ON p.id = d.order_id;

-- What a payout asks for: to_amount is the pure market value, by the quote without its fees.
CREATE VIEW legacy.split_payout_request AS
  SELECT o.id AS unique_id, p.user_id, coalesce(p.closed_channel_id, c.closed_channel_id)::text AS closed_channel_id, o.pot::text AS from_currency,
         o.target_ticker AS to_currency, 'eth'::text AS from_network, o.target_network AS to_network,
         CASE o.pot WHEN 'eth' THEN o.source_eth ELSE o.source_usdt END AS from_amount, m.value AS to_amount, o.address AS client_wallet_address,
         nullif(o.wallet_address, '') AS refund_address, 'fixed-rate'::text AS flow, 'direct'::text AS type, o.created_at, o.updated_at,
         o.source_eth AS actual_eth_amount
  FROM payout o LEFT JOIN payment p ON p.id = o.order_id LEFT JOIN channel c ON c.id = o.channel_id::text,
  LATERAL (SELECT CASE o.pot WHEN 'eth' THEN o.source_eth ELSE o.source_usdt END AS source) s,
  LATERAL (SELECT CASE WHEN o.quoted_amount = 0 THEN NULL WHEN o.swap_id = '' THEN o.quoted_amount WHEN s.source > o.deposit_fee
                  THEN round((o.quoted_amount + o.withdrawal_fee) / (s.source - o.deposit_fee) * s.source, 18) END::numeric(38,18) AS value) m;

CREATE VIEW legacy.split_payout_que AS
  SELECT o.id AS unique_id, CASE o.pot WHEN 'eth' THEN greatest(o.funded_eth, o.source_eth) END AS estimated_eth_amount, nullif(o.swap_id, '') AS swap_id,
         nullif(o.payin_address, '') AS payin_address, nullif(o.tx_hash, '') AS tx_hash,
         CASE WHEN o.status IN ('claiming', 'requested', 'awaiting_approval') THEN 'pending' WHEN o.status = 'estimating' THEN 'estimating'
              WHEN o.status = 'swapping' THEN 'swapping' WHEN o.status = 'completed' THEN 'completed'
              WHEN o.status IN ('failed', 'cancelled') THEN 'failed' ELSE 'executing' END AS status,
         nullif(o.swap_id, '') AS cn_api_id, p.user_id, coalesce(p.closed_channel_id, c.closed_channel_id)::text AS closed_channel_id,
         o.pot::text AS from_currency, o.target_ticker AS to_currency, 'eth'::text AS from_network, o.target_network AS to_network,
         CASE o.pot WHEN 'eth' THEN o.funded_eth ELSE o.funded_usdt END AS from_amount, nullif(o.quoted_amount, 0) AS to_amount,
         o.address AS payout_address, nullif(o.wallet_address, '') AS refund_address, 'fixed-rate'::text AS flow, 'direct'::text AS type, o.created_at,
         o.updated_at
  FROM payout o LEFT JOIN payment p ON p.id = o.order_id LEFT JOIN channel c ON c.id = o.channel_id::text;

CREATE VIEW legacy.payout_batches AS
  SELECT o.id AS batch_id, c.closed_channel_id::text AS client_id, o.address AS client_wallet_address, o.target_ticker AS client_payout_currency,
         o.target_network AS client_payout_network, CASE o.pot WHEN 'usdt' THEN o.source_usdt ELSE o.net_usd END AS total_amount_usdt,
         o.accruals::integer AS total_payments_count, nullif(o.amount_out, 0) AS payout_amount_crypto,
         CASE WHEN o.pot = 'usdt' AND o.funded_usdt > 0 AND o.amount_out > 0 THEN round(o.amount_out / o.funded_usdt, 18) END::numeric(38,18) AS usdt_to_crypto_rate,
         o.deposit_fee AS conversion_fee, nullif(o.swap_id, '') AS cn_api_id, nullif(o.payin_address, '') AS cn_payin_address,
         nullif(o.tx_hash, '') AS tx_hash,
         CASE WHEN o.status IN ('exchanging', 'completed') THEN 'success' WHEN o.status = 'confirming' THEN 'pending' END AS tx_status,
         CASE WHEN o.status = 'completed' THEN 'completed' WHEN o.status IN ('failed', 'cancelled') THEN 'failed'
              WHEN o.status IN ('claiming', 'requested', 'awaiting_approval') THEN 'pending' ELSE 'processing' END AS status,
         o.created_at, coalesce(o.quoted_at, o.created_at) AS processing_started_at, o.completed_at
  FROM payout o JOIN channel c ON c.id = o.channel_id::text WHERE o.order_id = '';

-- Every payout, batch or single, with what it came to.
CREATE VIEW legacy.payout_details AS
  SELECT o.id AS payout_id, c.closed_channel_id::text AS client_id, legacy.uuid_of('owner/' || c.owner_chat_id) AS owner_id,
         CASE WHEN o.order_id = '' THEN 'threshold' ELSE 'instant' END AS payout_strategy, o.address AS client_wallet_address,
         o.target_ticker AS client_payout_currency, o.target_network AS client_payout_network, o.net_usd AS amount_usd,
         nullif(o.amount_out, 0) AS payout_amount_crypto, o.gas_fee_eth AS network_fee_eth, nullif(o.swap_id, '') AS cn_api_id,
         nullif(o.tx_hash, '') AS tx_hash, nullif(o.payout_hash, '') AS payout_tx_hash, o.status::text AS status, nullif(o.reason, '') AS status_reason,
         o.created_at, o.updated_at, o.completed_at
  FROM payout o JOIN channel c ON c.id = o.channel_id::text;

CREATE VIEW legacy.hostpay_transactions AS
  SELECT t.seq AS id, t.intent AS unique_id, nullif(coalesce(o.swap_id, c.swap_id, ''), '') AS cn_api_id,
         CASE WHEN t.token = '' THEN 'eth' ELSE 'usdt' END AS from_currency, 'eth'::text AS from_network,
         CASE WHEN t.token = '' THEN t.value_eth ELSE t.value_usdt END AS from_amount, t.recipient AS payin_address,
         t.status IN ('confirmed', 'reverted', 'dropped') AS is_complete, nullif(t.hash, '') AS tx_hash,
         CASE t.status WHEN 'confirmed' THEN 'success' WHEN 'reverted' THEN 'failed' WHEN 'dropped' THEN 'failed' ELSE 'pending' END AS tx_status,
         nullif(t.gas_used, 0) AS gas_used, nullif(t.block_number, 0) AS block_number, t.value_eth AS actual_eth_amount, t.requested_at AS created_at,
         coalesce(t.acknowledged_at, t.broadcast_at, t.requested_at) AS updated_at
  FROM wallet_transfer t LEFT JOIN payout o ON t.intent LIKE 'payout/%' AND o.id = regexp_replace(substr(t.intent, 8), '/[^/]*$', '')
  LEFT JOIN conversion c ON t.intent LIKE 'conversion/%' AND c.id = regexp_replace(substr(t.intent, 12), '/[^/]*$', '');

CREATE VIEW legacy.main_clients_database AS
  SELECT row_number() OVER (ORDER BY c.created_at, c.id) AS id, c.open_channel_id::text AS open_channel_id, c.open_title AS open_channel_title,
         c.description AS open_channel_description, c.closed_channel_id::text AS closed_channel_id, c.closed_title AS closed_channel_title,
         c.description AS closed_channel_description, c.tier_1_price_usd AS sub_1_price, c.tier_1_days AS sub_1_time,
         nullif(c.tier_2_price_usd, 0) AS sub_2_price, nullif(c.tier_2_days, 0) AS sub_2_time, nullif(c.tier_3_price_usd, 0) AS sub_3_price,
         nullif(c.tier_3_days, 0) AS sub_3_time, c.payout_address AS client_wallet_address, c.payout_ticker AS client_payout_currency,
         c.payout_network AS client_payout_network, c.strategy::text AS payout_strategy, c.threshold_usd AS payout_threshold_usd,
         c.updated_at AS payout_threshold_updated_at, legacy.uuid_of('owner/' || c.owner_chat_id) AS client_id, c.owner_chat_id::text AS created_by,
         c.updated_at, c.owner_chat_id <> 0 AS notification_status, c.owner_chat_id AS notification_id
  FROM channel c;

CREATE VIEW legacy.private_channel_users_database AS
  SELECT row_number() OVER (ORDER BY s.created_at, s.id) AS id, s.closed_channel_id::text AS private_channel_id, s.user_id,
         coalesce(l.days, 0) AS sub_time, coalesce(l.price_usd, 0)::numeric(38,18) AS sub_price, s.starts_at AS "timestamp",
         (s.starts_at AT TIME ZONE 'UTC')::date AS datestamp, extract(epoch FROM s.ends_at)::bigint AS expire_time,
         to_char(s.ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS expire_date, s.status = 'active' AS is_active,
         l.payment_id AS nowpayments_payment_id, l.invoice_id AS nowpayments_invoice_id, l.order_id AS nowpayments_order_id,
         l.deposit_status AS nowpayments_payment_status, l.pay_currency AS nowpayments_pay_currency, l.gross_eth AS nowpayments_outcome_amount,
         l.gross_usd AS nowpayments_outcome_amount_usd, l.price_usd AS nowpayments_price_amount, 'usd'::text AS nowpayments_price_currency,
         l.outcome_currency AS nowpayments_outcome_currency, l.created_at AS nowpayments_created_at, l.updated_at AS nowpayments_updated_at,
         coalesce(l.status, 'pending') AS payment_status
  FROM subscription s LEFT JOIN LATERAL (
    SELECT p.id AS order_id, p.days, p.price_usd, p.invoice_id, p.status::text AS status, p.created_at, p.updated_at, d.payment_id,
           d.status::text AS deposit_status, d.pay_currency, d.gross_eth, d.gross_usd, d.outcome_currency
    FROM subscription_period r JOIN payment p ON p.id = r.order_id LEFT JOIN deposit d ON d.order_id = p.id
    WHERE r.subscription_id = s.id ORDER BY r.seq DESC, d.seq LIMIT 1) l ON true;

-- Owners, as far as they are known: by the chat that a channel names.
CREATE VIEW legacy.client_table AS
  SELECT legacy.uuid_of('owner/' || owner_chat_id) AS client_id, owner_chat_id AS telegram_id, count(*) AS channels,
         (array_agg(payout_address ORDER BY created_at))[1] AS client_wallet_address, min(created_at) AS created_at, max(updated_at) AS updated_at
  FROM channel GROUP BY owner_chat_id;
CREATE VIEW legacy.registered_users AS
  SELECT client_id AS user_id, 'telegram:' || telegram_id AS username, NULL::text AS email, NULL::text AS password_hash, true AS is_active,
         false AS email_verified, created_at, updated_at, NULL::timestamptz AS last_login
  FROM legacy.client_table;

CREATE VIEW legacy.subscription_tier_map AS
  SELECT c.open_channel_id::text AS open_channel_id, c.closed_channel_id::text AS closed_channel_id, t.tier, t.sub_price, t.sub_time
  FROM channel c, (VALUES (1), (2), (3)) AS n (tier),
  LATERAL (SELECT n.tier, CASE n.tier WHEN 1 THEN c.tier_1_price_usd WHEN 2 THEN c.tier_2_price_usd ELSE c.tier_3_price_usd END AS sub_price,
                  CASE n.tier WHEN 1 THEN c.tier_1_days WHEN 2 THEN c.tier_2_days ELSE c.tier_3_days END AS sub_time) t
  WHERE t.sub_time > 0;

-- The offer of each channel is the one post that there is; scheduled posts will fill the rest.
CREATE VIEW legacy.broadcast_manager AS
  SELECT legacy.uuid_of('broadcast/' || c.id) AS id, legacy.uuid_of('owner/' || c.owner_chat_id) AS client_id, c.open_channel_id::text AS open_channel_id,
         c.closed_channel_id::text AS closed_channel_id, s.at AS last_sent_time, NULL::timestamptz AS next_send_time,
         CASE WHEN c.offer_message_id <> 0 THEN 'completed' ELSE 'pending' END AS broadcast_status, coalesce(s.times, 0)::integer AS total_broadcasts,
         coalesce(s.times, 0)::integer AS successful_broadcasts, 0 AS failed_broadcasts, nullif(c.last_error, '') AS last_error_message,
         c.status <> 'closed' AS is_active, c.created_at, c.updated_at, nullif(c.offer_message_id, 0) AS last_open_message_id,
         s.at AS last_open_message_sent_at
  FROM channel c LEFT JOIN LATERAL (SELECT max(t.at) AS at, count(*) AS times FROM transition t WHERE t.kind = 'channel' AND t.id = c.id AND
                                    t.message = 'message_sent') s ON true;

CREATE VIEW legacy.donation_keypad_state AS
  SELECT user_id, channel_id::text AS channel_id, trim_scale(price_usd)::text AS current_amount, price_usd <> trunc(price_usd) AS decimal_entered,
         CASE WHEN status = 'offered' THEN 'awaiting_confirmation' ELSE 'keypad_input' END AS state_type, created_at, updated_at
  FROM conversation WHERE tier = -1 AND status <> 'idle';

CREATE VIEW legacy.conversation_state AS
  SELECT user_id, CASE WHEN tier = -1 THEN 'donation' WHEN order_id <> '' THEN 'payment' ELSE 'menu' END AS conversation_type,
         jsonb_build_object('status', status, 'channel_id', channel_id, 'channel_title', channel_title, 'tier', tier, 'price_usd',
                            trim_scale(price_usd)::text, 'days', days, 'order_id', order_id) AS state_data,
         created_at, updated_at
  FROM conversation;

-- Coin and network of what is paid out and in use; the shipped list of all coins will extend it.
CREATE VIEW legacy.currency_to_network AS
  SELECT upper(ticker) AS currency, upper(network) AS network, upper(ticker) AS currency_name, upper(network) AS network_name
  FROM (SELECT payout_ticker AS ticker, payout_network AS network FROM channel WHERE payout_ticker <> '' UNION
        SELECT target_ticker, target_network FROM payout UNION VALUES ('eth', 'eth'), ('usdt', 'eth')) pairs;
CREATE VIEW legacy.currency_to_network_supported_mappings AS
  SELECT row_number() OVER (ORDER BY currency, network) AS id, * FROM legacy.currency_to_network;

CREATE VIEW legacy.failed_transactions AS
  SELECT f.id, f.entity_id AS unique_id, nullif(coalesce(o.swap_id, c.swap_id, ''), '') AS cn_api_id,
         coalesce(o.pot::text, 'eth') AS from_currency, 'eth'::text AS from_network,
         coalesce(CASE o.pot WHEN 'eth' THEN o.source_eth WHEN 'usdt' THEN o.source_usdt END, c.source_eth, d.gross_eth)::numeric(38,18) AS from_amount,
         nullif(coalesce(o.payin_address, c.payin_address, ''), '') AS payin_address,
         CASE WHEN f.kind::text = 'conversion' OR o.order_id = '' THEN 'batch' ELSE 'instant' END AS context, f.code AS error_code,
         f.text AS error_message, jsonb_build_object('kind', f.kind, 'code', f.code, 'text', f.text) AS last_error_details, f.times AS attempt_count,
         f.last_at AS last_attempt_timestamp, CASE WHEN f.resolved_at IS NULL THEN 'failed_pending_review' ELSE 'recovered' END AS status,
         f.times - 1 AS retry_count, CASE WHEN f.resolved_at IS NOT NULL THEN nullif(coalesce(o.tx_hash, c.tx_hash, ''), '') END AS recovery_tx_hash,
         f.resolved_at AS recovered_at, f.resolved_by AS recovered_by, f.resolution AS admin_notes, f.first_at AS created_at, f.last_at AS updated_at
  FROM failed_transaction f LEFT JOIN payout o ON f.kind::text = 'payout' AND o.id = f.entity_id
  LEFT JOIN conversion c ON f.kind::text = 'conversion' AND c.id = f.entity_id
  LEFT JOIN LATERAL (SELECT sum(gross_eth) AS gross_eth FROM deposit WHERE f.kind::text = 'payment' AND order_id = f.entity_id) d ON true;

CREATE VIEW legacy.landing_page AS
  SELECT v.channel_id::text AS open_channel_id, c.open_title AS open_channel_title, sum(v.visits)::bigint AS visits, min(v.day) AS first_visit,
         max(v.last_at) AS last_visit_at
  FROM landing_visit v LEFT JOIN channel c ON c.id = v.channel_id::text GROUP BY v.channel_id, c.open_title;

CREATE VIEW legacy.transaction_limits AS
  SELECT row_number() OVER (ORDER BY key) AS id, key AS limit_name, value::numeric(38,18) AS limit_amount_usd, changed_at AS updated_at
  FROM setting_in_use WHERE key IN ('payouts.max_usd', 'payouts.daily_max_usd', 'conversion.threshold_usd') AND value ~ '^[0-9]+(\.[0-9]+)?$';

-- A view over one table could be written through: here nobody writes.
DO $$
DECLARE
  v record;
BEGIN
  FOR v IN SELECT c.oid::regclass AS name FROM pg_class c WHERE c.relnamespace = 'legacy'::regnamespace AND c.relkind = 'v' LOOP
    EXECUTE format('CREATE TRIGGER read_only INSTEAD OF INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION refuse_change()', v.name);
  END LOOP;
END $$;
