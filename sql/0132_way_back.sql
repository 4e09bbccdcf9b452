-- The way back (spec 5): deposits that a provider sent back, counted once; accruals that return with what is really left; payouts in two legs;
-- the daily limits.

ALTER TABLE payout
  ADD leg integer NOT NULL DEFAULT 0 CHECK (leg >= 0),
  ADD lost numeric(38,18) NOT NULL DEFAULT 0 CHECK (lost >= 0),
  ADD second_minimum numeric(38,18) NOT NULL DEFAULT -1,
  ADD incoming_hash text NOT NULL DEFAULT '',
  ADD incoming_named numeric(38,18) NOT NULL DEFAULT 0,
  ADD incoming_units numeric(38,18) NOT NULL DEFAULT 0 CHECK (incoming_units >= 0),
  ADD first_swap_id text NOT NULL DEFAULT '',
  ADD first_tx_hash text NOT NULL DEFAULT '',
  ADD first_payout_hash text NOT NULL DEFAULT '',
  -- Each pot pays its own: what a way back has cost is gone.
  ADD CONSTRAINT funded_within_rest CHECK (lost + CASE pot WHEN 'eth' THEN funded_eth ELSE funded_usdt END
                                           <= CASE pot WHEN 'eth' THEN source_eth ELSE source_usdt END);
ALTER TABLE conversion
  ADD lost numeric(38,18) NOT NULL DEFAULT 0 CHECK (lost >= 0),
  ADD incoming_hash text NOT NULL DEFAULT '',
  ADD incoming_named numeric(38,18) NOT NULL DEFAULT 0,
  ADD incoming_units numeric(38,18) NOT NULL DEFAULT 0 CHECK (incoming_units >= 0),
  ADD CONSTRAINT funded_within_rest CHECK (lost + funded_eth <= source_eth);

-- What ways back and resales cost an accrual (or brought it: a resale may bring more ETH than was sold).
ALTER TABLE accrual
  ADD lost_eth numeric(38,18) NOT NULL DEFAULT 0,
  DROP CONSTRAINT eth_shares_sum,
  ADD CONSTRAINT eth_shares_sum CHECK (gross_eth = fee_eth + net_eth + lost_eth);

-- A transaction on the chain that brought us what a swap paid or gave back: counted once, for one swap, whatever providers say.
CREATE TABLE chain_arrival (
  hash text NOT NULL CHECK (hash = lower(hash) AND hash <> ''),
  currency text NOT NULL,
  units numeric(38,18) NOT NULL CHECK (units > 0),
  kind entity_kind NOT NULL,
  entity_id text NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (hash, currency)
);
CREATE TRIGGER chain_arrival_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON chain_arrival
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
INSERT INTO chain_arrival SELECT lower(payout_hash), 'usdt', received_usdt, 'conversion', id, completed_at FROM conversion
  WHERE status = 'completed' AND payout_hash <> '' ON CONFLICT DO NOTHING;

-- Nor can a subscriber's ETH be a refund, in either order.
CREATE FUNCTION arrival_is_no_deposit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.currency = 'eth' AND EXISTS (SELECT FROM deposit WHERE lower(payout_hash) = NEW.hash AND payout_hash <> '' AND arrived_at IS NOT NULL) THEN
    RAISE EXCEPTION 'transaction % is a payment that arrived', NEW.hash USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER arrival_is_no_deposit BEFORE INSERT ON chain_arrival FOR EACH ROW EXECUTE FUNCTION arrival_is_no_deposit();
CREATE FUNCTION deposit_is_no_arrival() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM chain_arrival WHERE hash = lower(NEW.payout_hash) AND currency = 'eth') THEN
    RAISE EXCEPTION 'transaction % was counted for a swap', NEW.payout_hash USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER deposit_is_no_arrival BEFORE INSERT OR UPDATE ON deposit FOR EACH ROW
  WHEN (NEW.arrived_at IS NOT NULL AND NEW.payout_hash <> '') EXECUTE FUNCTION deposit_is_no_arrival();

-- An accrual whose USDT was sold again (payouts.funding = "eth") and whose payout then ended without having paid: it is pending again, in ETH.
-- What it had of its conversion stands here, so that the shares of a conversion still sum to what came.
CREATE TABLE accrual_resold (
  payment_id text NOT NULL REFERENCES accrual (payment_id),
  payout_id text NOT NULL,
  conversion_id text NOT NULL,
  net_usdt numeric(38,18) NOT NULL,
  net_eth numeric(38,18) NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (payment_id, payout_id)
);
CREATE TRIGGER accrual_resold_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON accrual_resold
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Sets a payout's accruals free with `units_left` of their pot, shared out by what each brought in: floor to the currency's own unit, the units
-- that are left by largest fraction (ties: the lowest accrual id). `resold`: they brought in USDT, and what is left is ETH.
CREATE FUNCTION return_accruals(payout text, wanted accrual_status, units_left numeric, resold boolean, returned_at timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  scale numeric := CASE WHEN wanted = 'converted' THEN 1000000 ELSE 1000000000000000000 END;
  unit numeric := CASE WHEN wanted = 'converted' THEN 0.000001 ELSE 0.000000000000000001 END; -- A division would round.
BEGIN
  WITH mine AS MATERIALIZED (
    SELECT id, payment_id, conversion_id, a.net_usdt, CASE WHEN resold OR wanted = 'converted' THEN a.net_usdt ELSE a.net_eth END AS brought
    FROM accrual a WHERE payout_id = payout AND payout <> '' AND status = 'paying'
  ), parts AS MATERIALIZED (
    SELECT *, div(units_left * scale * brought, nullif(sum(brought) OVER (), 0)) AS base,
           mod(units_left * scale * brought, nullif(sum(brought) OVER (), 0)) AS fraction FROM mine
  ), ranked AS MATERIALIZED (
    SELECT *, row_number() OVER (ORDER BY fraction DESC, id) AS place, units_left * scale - sum(base) OVER () AS rest FROM parts
  ), shares AS MATERIALIZED (
    SELECT *, coalesce((base + CASE WHEN place <= rest THEN 1 ELSE 0 END) * unit, 0) AS share FROM ranked
  ), written AS (
    INSERT INTO accrual_resold (payment_id, payout_id, conversion_id, net_usdt, net_eth, at)
    SELECT payment_id, payout, conversion_id, net_usdt, share, returned_at FROM shares WHERE resold
  )
  UPDATE accrual a SET status = wanted, payout_id = '', updated_at = returned_at,
         net_eth = CASE WHEN wanted = 'pending' THEN s.share ELSE a.net_eth END,
         lost_eth = CASE WHEN wanted = 'pending' THEN a.gross_eth - a.fee_eth - s.share ELSE a.lost_eth END,
         net_usdt = CASE WHEN wanted = 'converted' THEN s.share WHEN resold THEN 0 ELSE a.net_usdt END,
         conversion_id = CASE WHEN resold THEN '' ELSE a.conversion_id END
  FROM shares s WHERE a.payment_id = s.payment_id;
END $$;

-- As in 0110; `most` > 0: the oldest accruals whose units sum to no more. One that alone is more is passed over.
DROP FUNCTION claim_accruals(entity_kind, text, bigint, timestamptz, accrual_status, bigint, text);
CREATE FUNCTION claim_accruals(claimer entity_kind, claimer_id text, claimer_version bigint, claimed_at timestamptz,
                               wanted accrual_status, wanted_channel bigint, held_account text, most numeric DEFAULT 0) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  WITH free AS MATERIALIZED (
    SELECT a.payment_id, a.id, CASE WHEN wanted = 'pending' THEN a.net_eth ELSE a.net_usdt END AS units FROM accrual a
    WHERE a.status = wanted AND a.status IN ('pending', 'converted') AND (wanted_channel = 0 OR a.channel_id = wanted_channel)
      AND EXISTS (SELECT FROM deposit d WHERE d.payment_id = a.payment_id AND d.arrived_at IS NOT NULL)
      AND NOT EXISTS (SELECT FROM accrual_claim c WHERE c.claimant = claimer::text || '/' || claimer_id)
      AND (most <= 0 OR CASE WHEN wanted = 'pending' THEN a.net_eth ELSE a.net_usdt END <= most)
    FOR UPDATE OF a SKIP LOCKED
  ), fitting AS MATERIALIZED (
    SELECT payment_id FROM (SELECT payment_id, sum(units) OVER (ORDER BY id) AS so_far FROM free) f WHERE most <= 0 OR so_far <= most
  ), taken AS (
    UPDATE accrual a SET
      status = CASE WHEN claimer::text = 'conversion' THEN 'converting' ELSE 'paying' END::accrual_status,
      conversion_id = CASE WHEN claimer::text = 'conversion' THEN claimer_id ELSE a.conversion_id END,
      payout_id = CASE WHEN claimer::text = 'conversion' THEN a.payout_id ELSE claimer_id END,
      updated_at = claimed_at
    FROM fitting f WHERE a.payment_id = f.payment_id
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

-- As in 0110; without USDT the accruals are pending again with `units_left` ETH, shared out as in return_accruals.
DROP FUNCTION close_conversion(text, bigint, timestamptz, numeric);
CREATE FUNCTION close_conversion(conversion text, at_version bigint, closed_at timestamptz, received numeric, units_left numeric) RETURNS void
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
    WITH mine AS MATERIALIZED (
      SELECT id, payment_id, net_eth FROM accrual WHERE conversion_id = conversion AND status = 'converting'
    ), parts AS MATERIALIZED (
      SELECT *, div(units_left * 1000000000000000000 * net_eth, nullif(sum(net_eth) OVER (), 0)) AS base,
             mod(units_left * 1000000000000000000 * net_eth, nullif(sum(net_eth) OVER (), 0)) AS fraction FROM mine
    ), ranked AS MATERIALIZED (
      SELECT *, row_number() OVER (ORDER BY fraction DESC, id) AS place, units_left * 1000000000000000000 - sum(base) OVER () AS rest FROM parts
    ), freed AS (
      UPDATE accrual a SET status = 'pending', conversion_id = '', updated_at = closed_at, net_eth = s.share,
             lost_eth = a.gross_eth - a.fee_eth - s.share
      FROM (SELECT payment_id, coalesce((base + CASE WHEN place <= rest THEN 1 ELSE 0 END) * 0.000000000000000001, 0) AS share FROM ranked) s
      WHERE a.payment_id = s.payment_id RETURNING a.channel_id, a.net_eth
    ), lines AS (
      SELECT channel_id, sum(net_eth) AS units FROM freed GROUP BY channel_id
    ), entry AS (
      INSERT INTO ledger_entry (key, at, reason, kind, entity_id, version)
      SELECT 'conversion/' || conversion || '/returned', closed_at, 'the conversion ended without having brought USDT', 'conversion'::text::entity_kind,
             conversion, at_version WHERE EXISTS (SELECT FROM lines WHERE units > 0) RETURNING id
    )
    INSERT INTO ledger_posting (entry, line, account, currency, units)
    SELECT e.id, row_number() OVER (ORDER BY p.units < 0, p.account), p.account, 'eth', p.units
    FROM entry e, (SELECT 'owner:' || channel_id || ':available' AS account, -units AS units FROM lines WHERE units > 0
                   UNION ALL SELECT 'liability:conversion:' || conversion, sum(units) FROM lines) p;
  END IF;
END $$;

-- The daily limits: what each payout has of them, and what the others had when it asked. One is let through by a statement that nobody else
-- runs at the same time, so that two that ask at once do not both fit into the same rest.
CREATE TABLE payout_allowance (
  payout_id text PRIMARY KEY,
  channel_id bigint NOT NULL,
  net_usd numeric(38,18) NOT NULL,
  granted boolean NOT NULL,
  channel_usd numeric(38,18) NOT NULL,
  total_usd numeric(38,18) NOT NULL,
  at timestamptz NOT NULL,
  returned_at timestamptz
);
CREATE INDEX payout_allowance_at ON payout_allowance (at) WHERE granted AND returned_at IS NULL;

CREATE FUNCTION claim_allowance(payout text, channel bigint, usd numeric, channel_max numeric, total_max numeric, approved boolean,
                                claimed_at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  of_channel numeric;
  of_all numeric;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('payout_allowance'));
  SELECT coalesce(sum(net_usd) FILTER (WHERE channel_id = channel), 0), coalesce(sum(net_usd), 0) INTO of_channel, of_all
    FROM payout_allowance WHERE granted AND returned_at IS NULL AND at > claimed_at - interval '24 hours' AND payout_id <> payout;
  INSERT INTO payout_allowance (payout_id, channel_id, net_usd, granted, channel_usd, total_usd, at)
    VALUES (payout, channel, usd, approved OR ((channel_max <= 0 OR of_channel + usd <= channel_max) AND (total_max <= 0 OR of_all + usd <= total_max)),
            of_channel, of_all, claimed_at)
    ON CONFLICT (payout_id) DO UPDATE SET granted = payout_allowance.granted OR EXCLUDED.granted, at = EXCLUDED.at WHERE approved;
END $$;

ALTER TABLE scheduler ADD most_eth numeric(38,18) NOT NULL DEFAULT 0;
