-- The trace of a payment (spec 5): one row per deposit, from what the subscriber sent to the transfer on the chain. Of a conversion or a
-- payout of many accruals a row shows the share of this one: of a conversion by net USD, as it was shared out; of a payout by what it put in.
-- net_eth and the USDT received are the ledger's own amounts; other shares are cut at 10^-18, so their sum may miss less than that per row.
CREATE VIEW payment_trace AS
SELECT
  d.order_id, d.payment_id, p.channel_id, p.user_id, p.status AS payment_status, p.decision,
  -- The subscriber's payment.
  d.pay_currency, d.actually_paid, p.price_usd, d.payin_hash, p.created_at AS ordered_at, d.settled_at,
  d.gross_usd, d.fee_usd, d.net_usd, d.gross_eth, d.fee_eth, d.net_eth,
  d.payout_hash AS arrival_hash, d.arrived_at,
  -- What gathered.
  a.id AS accrual_id, a.status AS accrual_status, a.created_at AS accrued_at,
  -- Its share of the conversion.
  c.id AS conversion_id, c.status AS conversion_status, c.swap_id AS conversion_swap_id,
  CASE WHEN c.id IS NOT NULL THEN a.net_eth END AS eth_sold,
  CASE WHEN c.status = 'completed' THEN a.net_usdt END AS usdt_received,
  trunc(c.quoted_amount / nullif(c.funded_eth, 0), 18) AS conversion_rate_quoted,
  nullif(c.market_rate, 0) AS conversion_rate_market, nullif(c.achieved_rate, 0) AS conversion_rate_achieved,
  f.fee AS conversion_fee_usdt,
  CASE WHEN c.status = 'completed' THEN a.net_usd - a.net_usdt - f.fee END AS conversion_spread_usdt,
  trunc(c.gas_fee_eth * a.net_usd / nullif(c.net_usd, 0), 18) AS conversion_gas_eth,
  nullif(c.tx_hash, '') AS conversion_tx_hash, nullif(c.payout_hash, '') AS conversion_received_hash, c.completed_at AS converted_at,
  -- Its share of the payout.
  o.id AS payout_id, o.status AS payout_status, o.refund, o.pot, o.target_ticker, o.target_network, o.address, o.extra_id,
  o.swap_id AS payout_swap_id, s.put_in AS payout_put_in, CASE WHEN o.id IS NOT NULL THEN s.put_in_currency END AS payout_put_in_currency,
  nullif(o.first_swap_id, '') AS first_leg_swap_id, nullif(o.first_tx_hash, '') AS first_leg_tx_hash,
  nullif(o.first_payout_hash, '') AS first_leg_received_hash,
  trunc(o.quoted_amount * s.put_in / nullif(s.source, 0), 18) AS payout_quoted,
  trunc(o.amount_out * s.put_in / nullif(s.source, 0), 18) AS payout_amount,
  trunc(o.quoted_amount / nullif(s.funded, 0), 18) AS payout_rate_quoted,
  CASE WHEN o.amount_out > 0 THEN trunc(o.amount_out / nullif(s.funded, 0), 18) END AS payout_rate_achieved,
  trunc(o.deposit_fee * s.put_in / nullif(s.source, 0), 18) AS payout_deposit_fee,
  trunc(o.withdrawal_fee * s.put_in / nullif(s.source, 0), 18) AS payout_withdrawal_fee,
  trunc(o.gas_fee_eth * s.put_in / nullif(s.source, 0), 18) AS payout_gas_eth,
  o.completed_at AS paid_out_at, nullif(o.payout_hash, '') AS payout_hash,
  -- The transfer out of our wallet, as a whole.
  t.intent AS transfer_intent, t.status AS transfer_status, t.recipient AS transfer_recipient, t.value_eth AS transfer_eth,
  t.value_usdt AS transfer_usdt, t.nonce AS transfer_nonce, nullif(t.hash, '') AS transfer_hash, t.block_number AS transfer_block,
  t.gas_used AS transfer_gas_used, t.gas_fee_eth AS transfer_gas_eth, t.broadcast_at
FROM deposit d
JOIN payment p ON p.id = d.order_id
LEFT JOIN accrual a ON a.payment_id = d.payment_id
LEFT JOIN conversion c ON c.id = a.conversion_id AND a.conversion_id <> ''
LEFT JOIN payout o ON o.id = CASE WHEN d.refund_id <> '' THEN d.refund_id ELSE a.payout_id END AND o.id <> ''
LEFT JOIN wallet_transfer t ON t.intent = 'payout/' || o.id || '/' || o.swap_tries
CROSS JOIN LATERAL (SELECT trunc((c.withdrawal_fee + trunc(c.deposit_fee * c.market_rate, 18)) * a.net_usd / nullif(c.net_usd, 0), 18) AS fee) f
CROSS JOIN LATERAL (
  -- In two legs (payouts.funding = "eth") the USDT put in has become ETH by the time that it is paid on.
  SELECT CASE WHEN o.refund THEN d.gross_eth WHEN o.pot = 'usdt' OR o.leg = 2 THEN a.net_usdt ELSE a.net_eth END AS put_in,
         CASE WHEN o.pot = 'usdt' OR o.leg = 2 THEN 'usdt' ELSE 'eth' END AS put_in_currency,
         CASE WHEN o.pot = 'usdt' OR o.leg = 2 THEN o.source_usdt ELSE o.source_eth END AS source,
         CASE WHEN o.pot = 'usdt' THEN o.funded_usdt ELSE o.funded_eth END AS funded) s;
