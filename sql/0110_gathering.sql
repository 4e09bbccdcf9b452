-- The gathering of value (spec 5): conversions, the two schedulers, claims of accruals, batches, transfers of USDT.

ALTER TYPE entity_kind ADD VALUE 'conversion';
ALTER TYPE entity_kind ADD VALUE 'scheduler';
ALTER TYPE payout_status ADD VALUE 'claiming';
CREATE TYPE payout_pot AS ENUM ('eth', 'usdt');
CREATE TYPE conversion_status AS ENUM ('claiming', 'requested', 'estimating', 'swapping', 'funding', 'confirming', 'exchanging', 'receiving',
                                       'completed', 'failed', 'needs_attention', 'cancelled');
CREATE TYPE scheduler_status AS ENUM ('waiting', 'ranging', 'creating');

-- A payout spends one pot: the ETH of its accruals, or their USDT.
ALTER TABLE payout
  ADD pot payout_pot NOT NULL DEFAULT 'eth',
  ADD accruals bigint NOT NULL DEFAULT 1 CHECK (accruals >= 0),
  ADD source_usdt numeric(38,18) NOT NULL DEFAULT 0 CHECK (source_usdt >= 0),
  ADD funded_usdt numeric(38,18) NOT NULL DEFAULT 0 CHECK (funded_usdt >= 0),
  ADD pair_minimum numeric(38,18) NOT NULL DEFAULT 0,
  ADD CONSTRAINT funded_within_source_usdt CHECK (funded_usdt <= source_usdt);
-- The least that a pair takes, as last heard.
CREATE INDEX payout_pair_minimum ON payout (target_ticker, target_network, pot, updated_at) WHERE pair_minimum > 0;
CREATE INDEX payout_channel ON payout (channel_id);

ALTER TABLE wallet_transfer
  ADD token text NOT NULL DEFAULT '',
  ADD value_usdt numeric(38,18) NOT NULL DEFAULT 0 CHECK (value_usdt >= 0),
  DROP CONSTRAINT wallet_transfer_value_eth_check,
  ADD CONSTRAINT pays_something CHECK (CASE WHEN token = '' THEN value_eth > 0 AND value_usdt = 0 ELSE value_eth = 0 AND value_usdt > 0 END);
CREATE FUNCTION wallet_transfer_token() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.token <> OLD.token OR NEW.value_usdt <> OLD.value_usdt THEN
    RAISE EXCEPTION 'transfer %: token and value never change', OLD.intent USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER wallet_transfer_token BEFORE UPDATE ON wallet_transfer FOR EACH ROW EXECUTE FUNCTION wallet_transfer_token();

CREATE TABLE conversion (
  id text PRIMARY KEY,
  version bigint NOT NULL CHECK (version > 0),
  shard smallint NOT NULL CHECK (shard BETWEEN 0 AND 255),
  state_version smallint NOT NULL DEFAULT 1,
  wake_at timestamptz,
  attempts integer NOT NULL DEFAULT 0,
  last_error text NOT NULL DEFAULT '',
  quarantine text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  status conversion_status NOT NULL,
  threshold_usd numeric(38,18) NOT NULL CHECK (threshold_usd >= 0),
  accruals bigint NOT NULL CHECK (accruals >= 0),
  net_usd numeric(38,18) NOT NULL CHECK (net_usd >= 0),
  source_eth numeric(38,18) NOT NULL CHECK (source_eth >= 0),
  address text NOT NULL,
  swap_tries integer NOT NULL CHECK (swap_tries >= 0),
  rate_id text NOT NULL,
  quoted_at timestamptz,
  valid_until timestamptz,
  quoted_amount numeric(38,18) NOT NULL CHECK (quoted_amount >= 0),
  deposit_fee numeric(38,18) NOT NULL,
  withdrawal_fee numeric(38,18) NOT NULL,
  swap_id text NOT NULL,
  payin_address text NOT NULL,
  payin_extra_id text NOT NULL,
  funded_eth numeric(38,18) NOT NULL CHECK (funded_eth >= 0),
  funding_released boolean NOT NULL,
  wallet_address text NOT NULL,
  settled_intent text NOT NULL,
  tx_hash text NOT NULL,
  nonce bigint NOT NULL CHECK (nonce >= -1),
  gas_used bigint NOT NULL CHECK (gas_used >= 0),
  gas_fee_eth numeric(38,18) NOT NULL CHECK (gas_fee_eth >= 0),
  provider_status swap_status NOT NULL,
  payout_hash text NOT NULL,
  amount_out numeric(38,18) NOT NULL CHECK (amount_out >= 0),
  reason text NOT NULL,
  refused_since timestamptz,
  received_usdt numeric(38,18) NOT NULL CHECK (received_usdt >= 0),
  market_rate numeric(38,18) NOT NULL,
  achieved_rate numeric(38,18) NOT NULL,
  completed_at timestamptz,
  -- Each pot pays its own.
  CONSTRAINT funded_within_source CHECK (funded_eth <= source_eth),
  CONSTRAINT sent_has_transaction CHECK (status NOT IN ('confirming', 'exchanging', 'receiving', 'completed') OR tx_hash <> ''),
  CONSTRAINT completed_has_received CHECK (status <> 'completed' OR received_usdt > 0)
) WITH (fillfactor = 80);
CREATE INDEX conversion_wake ON conversion (wake_at) WHERE wake_at IS NOT NULL AND quarantine = '';
-- One transfer of the provider is the end of one conversion: a hash named twice is a lie.
CREATE UNIQUE INDEX conversion_payout_hash ON conversion (payout_hash) WHERE status = 'completed';

CREATE TABLE scheduler (
  id text PRIMARY KEY,
  version bigint NOT NULL CHECK (version > 0),
  shard smallint NOT NULL CHECK (shard BETWEEN 0 AND 255),
  state_version smallint NOT NULL DEFAULT 1,
  wake_at timestamptz,
  attempts integer NOT NULL DEFAULT 0,
  last_error text NOT NULL DEFAULT '',
  quarantine text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  status scheduler_status NOT NULL,
  round bigint NOT NULL,
  next_at timestamptz NOT NULL,
  looked_at timestamptz,
  accruals bigint NOT NULL,
  net_usd numeric(38,18) NOT NULL,
  pending_eth numeric(38,18) NOT NULL,
  created bigint NOT NULL,
  reason text NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX scheduler_wake ON scheduler (wake_at) WHERE wake_at IS NOT NULL AND quarantine = '';

-- An accrual lies in one pot: its net ETH until it is converted, its share in USDT from then on.
ALTER TABLE accrual
  ADD id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  ADD conversion_id text NOT NULL DEFAULT '',
  ADD net_usdt numeric(38,18) NOT NULL DEFAULT 0 CHECK (net_usdt >= 0),
  ADD CONSTRAINT converted_has_conversion CHECK (status NOT IN ('converting', 'converted') OR conversion_id <> '');
CREATE INDEX accrual_conversion ON accrual (conversion_id) WHERE conversion_id <> '';
DROP INDEX accrual_pending;
CREATE INDEX accrual_free ON accrual (status, channel_id) WHERE status IN ('pending', 'converted');

-- What an entity claimed, once and for ever: count and sums as they were at that moment.
CREATE TABLE accrual_claim (
  claimant text PRIMARY KEY, -- "conversion/c7", "payout/-100.usdt.12"
  at timestamptz NOT NULL,
  accruals bigint NOT NULL,
  net_usd numeric(38,18) NOT NULL,
  net_eth numeric(38,18) NOT NULL,
  net_usdt numeric(38,18) NOT NULL
);
CREATE TRIGGER accrual_claim_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON accrual_claim
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A conversion of many channels is one entry with a line for each of them.
ALTER TABLE ledger_posting ALTER line TYPE integer;

-- Claims what is free in `wanted` for an entity by one statement: no accrual is ever in two claims. What another claim holds at this moment
-- is skipped, not waited for. Only ETH that has arrived counts. A claimant that has claimed already claims nothing.
CREATE FUNCTION claim_accruals(claimer entity_kind, claimer_id text, claimer_version bigint, claimed_at timestamptz,
                               wanted accrual_status, wanted_channel bigint, held_account text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  WITH free AS MATERIALIZED (
    SELECT a.payment_id FROM accrual a
    WHERE a.status = wanted AND a.status IN ('pending', 'converted') AND (wanted_channel = 0 OR a.channel_id = wanted_channel)
      AND EXISTS (SELECT FROM deposit d WHERE d.payment_id = a.payment_id AND d.arrived_at IS NOT NULL)
      AND NOT EXISTS (SELECT FROM accrual_claim c WHERE c.claimant = claimer::text || '/' || claimer_id)
    FOR UPDATE OF a SKIP LOCKED
  ), taken AS (
    UPDATE accrual a SET
      status = CASE WHEN claimer::text = 'conversion' THEN 'converting' ELSE 'paying' END::accrual_status,
      conversion_id = CASE WHEN claimer::text = 'conversion' THEN claimer_id ELSE a.conversion_id END,
      payout_id = CASE WHEN claimer::text = 'conversion' THEN a.payout_id ELSE claimer_id END,
      updated_at = claimed_at
    FROM free f WHERE a.payment_id = f.payment_id
    RETURNING a.channel_id, a.net_usd, a.net_eth, a.net_usdt
  ), summary AS (
    INSERT INTO accrual_claim (claimant, at, accruals, net_usd, net_eth, net_usdt)
    SELECT claimer::text || '/' || claimer_id, claimed_at, count(*), coalesce(sum(net_usd), 0), coalesce(sum(net_eth), 0),
           coalesce(sum(net_usdt), 0) FROM taken
    ON CONFLICT (claimant) DO NOTHING
  ), lines AS (
    SELECT channel_id, sum(CASE WHEN wanted = 'pending' THEN net_eth ELSE net_usdt END) AS units FROM taken GROUP BY channel_id
  ), entry AS (
    INSERT INTO ledger_entry (key, at, reason, kind, entity_id, version)
    SELECT claimer::text || '/' || claimer_id || '/claimed', claimed_at, 'what had gathered was claimed', claimer, claimer_id, claimer_version
    WHERE EXISTS (SELECT FROM lines WHERE units > 0) RETURNING id
  )
  INSERT INTO ledger_posting (entry, line, account, currency, units)
  SELECT e.id, row_number() OVER (ORDER BY p.units < 0, p.account), p.account,
         CASE WHEN wanted = 'pending' THEN 'eth' ELSE 'usdt' END, p.units
  FROM entry e, (SELECT 'owner:' || channel_id || ':available' AS account, units FROM lines WHERE units > 0
                 UNION ALL SELECT held_account, -sum(units) FROM lines) p;
END $$;

-- Ends a conversion's claim. received > 0: shares it out by net USD, floor to 10^-6, the units that are left by largest fraction (ties: the
-- lowest accrual id), exactly; else sets the accruals free again.
CREATE FUNCTION close_conversion(conversion text, at_version bigint, closed_at timestamptz, received numeric) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF received > 0 THEN
    WITH mine AS MATERIALIZED (
      SELECT id, payment_id, net_usd FROM accrual WHERE conversion_id = conversion AND status = 'converting'
    ), parts AS MATERIALIZED (
      SELECT id, payment_id, div(received * 1000000 * net_usd, sum(net_usd) OVER ()) AS base,
             mod(received * 1000000 * net_usd, sum(net_usd) OVER ()) AS fraction FROM mine
    ), rest AS MATERIALIZED (
      SELECT received * 1000000 - sum(base) AS units FROM parts
    ), ranked AS MATERIALIZED (
      SELECT payment_id, base, row_number() OVER (ORDER BY fraction DESC, id) AS place FROM parts
    ), shared AS (
      UPDATE accrual a SET status = 'converted', updated_at = closed_at,
             net_usdt = (r.base + CASE WHEN r.place <= (SELECT units FROM rest) THEN 1 ELSE 0 END) * 0.000001
      FROM ranked r WHERE a.payment_id = r.payment_id RETURNING a.channel_id, a.net_usdt
    ), lines AS (
      SELECT 'owner:' || channel_id || ':available' AS account, -sum(net_usdt) AS units FROM shared GROUP BY channel_id
      UNION ALL SELECT 'assets:wallet', received
    ), entry AS (
      INSERT INTO ledger_entry (key, at, reason, kind, entity_id, version)
      SELECT 'conversion/' || conversion || '/bought', closed_at, 'the USDT that came was shared out', 'conversion'::text::entity_kind, conversion,
             at_version RETURNING id
    )
    INSERT INTO ledger_posting (entry, line, account, currency, units)
    SELECT e.id, row_number() OVER (ORDER BY l.units < 0, l.account), l.account, 'usdt', l.units FROM entry e, lines l WHERE l.units <> 0;
  ELSE
    WITH freed AS (
      UPDATE accrual SET status = 'pending', conversion_id = '', updated_at = closed_at
      WHERE conversion_id = conversion AND status = 'converting' RETURNING channel_id, net_eth
    ), lines AS (
      SELECT channel_id, sum(net_eth) AS units FROM freed GROUP BY channel_id
    ), entry AS (
      INSERT INTO ledger_entry (key, at, reason, kind, entity_id, version)
      SELECT 'conversion/' || conversion || '/returned', closed_at, 'the conversion ended without a transfer', 'conversion'::text::entity_kind,
             conversion, at_version WHERE EXISTS (SELECT FROM lines WHERE units > 0) RETURNING id
    )
    INSERT INTO ledger_posting (entry, line, account, currency, units)
    SELECT e.id, row_number() OVER (ORDER BY p.units < 0, p.account), p.account, 'eth', p.units
    FROM entry e, (SELECT 'owner:' || channel_id || ':available' AS account, -units AS units FROM lines WHERE units > 0
                   UNION ALL SELECT 'liability:conversion:' || conversion, sum(units) FROM lines) p;
  END IF;
END $$;
