-- Reconciliation (spec 10): what the chain and the providers say, laid beside the ledger; each difference an exception row with its likely
-- cause.

ALTER TYPE entity_kind ADD VALUE 'reconciliation';
CREATE TYPE reconciliation_status AS ENUM ('opening', 'idle', 'cutting', 'anchoring', 'scanning', 'auditing', 'listing', 'claiming', 'judging');
CREATE TYPE exception_kind AS ENUM ('foreign_deposit', 'manual_transfer', 'missing_payout', 'wrong_provider_amount', 'unknown_payment',
                                    'wallet_balance');

CREATE TABLE reconciliation (
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
  status reconciliation_status NOT NULL,
  round bigint NOT NULL CHECK (round >= 0),
  again boolean NOT NULL,
  started_at timestamptz,
  finished_at timestamptz,
  base_block bigint NOT NULL,
  scanned_block bigint NOT NULL,
  cut bigint NOT NULL,
  mined_block bigint NOT NULL,
  ledger_eth numeric(38,18) NOT NULL,
  ledger_usdt numeric(38,18) NOT NULL,
  anchor_block bigint NOT NULL,
  anchor_at timestamptz,
  chain_eth numeric(38,18) NOT NULL,
  chain_usdt numeric(38,18) NOT NULL,
  scan_from bigint NOT NULL,
  audited bigint NOT NULL,
  audit_cursor bigint NOT NULL,
  list_page bigint NOT NULL,
  sending bigint NOT NULL,
  judge_cursor text NOT NULL,
  explained_eth numeric(38,18) NOT NULL,
  explained_usdt numeric(38,18) NOT NULL,
  unseen text NOT NULL,
  resolve_id bigint NOT NULL,
  resolve_as text NOT NULL,
  resolve_reason text NOT NULL,
  resolve_by text NOT NULL,
  resolve_eth numeric(38,18) NOT NULL,
  resolve_usdt numeric(38,18) NOT NULL,
  resolve_gas numeric(38,18) NOT NULL,
  resolve_booking boolean NOT NULL,
  resolve_note text NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX reconciliation_wake ON reconciliation (wake_at) WHERE wake_at IS NOT NULL AND quarantine = '';

-- What the chain moved from and to our wallet, block by block. line: -1 for a transaction's ETH and gas, else the index of a token's log.
-- subject names what of ours explains it, key the ledger entry that books it. booked: that entry was there at a round's cut; it stays.
CREATE TABLE chain_movement (
  hash text NOT NULL,
  line integer NOT NULL,
  currency text NOT NULL,
  units numeric(38,18) NOT NULL,          -- Into the wallet, or (negative) out of it; without gas.
  gas_eth numeric(38,18) NOT NULL CHECK (gas_eth >= 0),
  block bigint NOT NULL,
  at timestamptz NOT NULL,                -- The block's.
  counterparty text NOT NULL,
  subject text NOT NULL DEFAULT '',
  key text NOT NULL DEFAULT '',
  booked boolean NOT NULL DEFAULT false,
  PRIMARY KEY (hash, line)
);
CREATE INDEX chain_movement_unbooked ON chain_movement (hash) WHERE NOT booked;
CREATE INDEX chain_movement_block ON chain_movement (block);

CREATE TABLE reconcile_exception (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind exception_kind NOT NULL,
  subject text NOT NULL,
  currency text NOT NULL,
  expected numeric(38,18) NOT NULL,       -- By our books,
  actual numeric(38,18) NOT NULL,         -- and by the other side.
  gas_eth numeric(38,18) NOT NULL DEFAULT 0,
  hash text NOT NULL DEFAULT '',          -- The transaction it is about.
  explanation text NOT NULL CHECK (explanation <> ''),
  wallet_eth numeric(38,18) NOT NULL DEFAULT 0,  -- What the wallet holds more than the books for it, where no row of chain_movement says so.
  wallet_usdt numeric(38,18) NOT NULL DEFAULT 0,
  ledger_entry bigint,                    -- The audited entry: looked at again while this is open.
  found_at timestamptz NOT NULL,
  round bigint NOT NULL,
  seen_round bigint NOT NULL,
  resolved_at timestamptz,
  resolution text CHECK (resolution IN ('float', 'gas', 'loss', 'unattributed', 'explained', 'vanished')),
  resolution_reason text,
  resolved_by text,
  correction_key text NOT NULL DEFAULT '',
  CONSTRAINT resolved_says_how CHECK ((resolved_at IS NULL) = (resolution IS NULL) AND (resolved_at IS NULL) = (resolved_by IS NULL))
);
CREATE UNIQUE INDEX reconcile_exception_open ON reconcile_exception (kind, subject) WHERE resolved_at IS NULL;
CREATE INDEX reconcile_exception_subject ON reconcile_exception (kind, subject);
CREATE INDEX reconcile_exception_wallet ON reconcile_exception (id) WHERE wallet_eth <> 0 OR wallet_usdt <> 0;
CREATE INDEX wallet_transfer_block ON wallet_transfer (block_number);
CREATE INDEX ledger_entry_audited ON ledger_entry (id) WHERE key LIKE 'wallet/%/gas' OR key LIKE 'payment/%/settled/%' OR key LIKE 'payment/%/received/%'
  OR key LIKE 'payout/%/completed' OR key LIKE 'conversion/%/bought';

-- Every transaction of the chain that we can name, and the entry that books it.
CREATE VIEW chain_known (hash, subject, key) AS
  SELECT lower(h), 'transfer/' || t.intent, 'wallet/' || t.wallet || '/' || t.intent || '/gas'
  FROM wallet_transfer t, unnest(string_to_array(trim(t.hash || ' ' || t.old_hashes), ' ')) AS h WHERE t.hash <> ''
  UNION ALL
  SELECT lower(payout_hash), 'deposit/' || payment_id, 'payment/' || order_id || '/arrived/' || payment_id FROM deposit WHERE payout_hash <> ''
  UNION ALL
  -- What a swap paid or gave back to us: counted, and booked by the entry of the same step;
  SELECT a.hash, a.kind || '/' || a.entity_id, coalesce((
    SELECT e.key FROM ledger_entry e JOIN ledger_posting p ON p.entry = e.id AND p.account = 'assets:wallet' AND p.currency = a.currency AND
      p.units = a.units WHERE e.kind = a.kind AND e.entity_id = a.entity_id AND e.at = a.at LIMIT 1), '')
  FROM chain_arrival a
  -- or named by the provider, and still being looked for.
  UNION ALL
  SELECT lower(incoming_hash), 'payout/' || id, '' FROM payout WHERE incoming_hash <> ''
  UNION ALL
  SELECT lower(incoming_hash), 'conversion/' || id, '' FROM conversion WHERE incoming_hash <> '';

-- A page of blocks was read: what it holds takes the place of what was read of these blocks before, so that a reorganised chain leaves nothing.
CREATE FUNCTION note_movements(first bigint, last bigint, hashes text[], lines integer[], currencies text[], amounts numeric[], gas numeric[],
                               blocks bigint[], times timestamptz[], counterparties text[]) RETURNS void LANGUAGE sql AS $$
  DELETE FROM chain_movement m WHERE block BETWEEN first AND last AND NOT booked
    AND NOT EXISTS (SELECT FROM unnest(hashes, lines) AS u (hash, line) WHERE u.hash = m.hash AND u.line = m.line);
  INSERT INTO chain_movement (hash, line, currency, units, gas_eth, block, at, counterparty)
  SELECT * FROM unnest(hashes, lines, currencies, amounts, gas, blocks, times, counterparties)
  ON CONFLICT (hash, line) DO UPDATE SET block = EXCLUDED.block, at = EXCLUDED.at;
$$;

-- Names what can be named, and marks what was booked at the cut. One pass over all that is open, so hash joins are wanted here whatever the
-- session prefers.
CREATE FUNCTION match_movements(up_to bigint) RETURNS void LANGUAGE plpgsql
  SET enable_hashjoin = on SET enable_seqscan = on SET enable_mergejoin = on AS $$
BEGIN
  UPDATE chain_movement m SET subject = k.subject, key = k.key
  FROM (SELECT hash, max(subject) AS subject, max(key) AS key FROM chain_known WHERE hash IN (SELECT hash FROM chain_movement WHERE NOT booked)
        GROUP BY hash) k
  WHERE NOT m.booked AND m.key = '' AND m.hash = k.hash;
  UPDATE chain_movement m SET booked = true FROM ledger_entry e WHERE NOT m.booked AND m.key <> '' AND e.key = m.key AND e.id <= up_to;
END $$;

-- One open row per kind and subject; what was resolved with the same figures is not raised again, as long as every round meets it.
CREATE FUNCTION raise_exception(in_round bigint, found_when timestamptz, of_kind exception_kind, about text, in_currency text, expects numeric,
                                finds numeric, gas numeric, by_hash text, words text, of_eth numeric, of_usdt numeric, entry bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE reconcile_exception SET currency = in_currency, expected = expects, actual = finds, gas_eth = gas, hash = by_hash, explanation = words,
         wallet_eth = of_eth, wallet_usdt = of_usdt, seen_round = in_round
  WHERE kind = of_kind AND subject = about AND resolved_at IS NULL;
  IF FOUND THEN RETURN; END IF;
  UPDATE reconcile_exception e SET seen_round = in_round
  WHERE e.id = (SELECT max(id) FROM reconcile_exception WHERE kind = of_kind AND subject = about)
    AND e.resolution <> 'vanished' AND e.seen_round >= in_round - 1 AND e.currency = in_currency AND e.expected = expects AND e.actual = finds;
  IF FOUND THEN RETURN; END IF;
  INSERT INTO reconcile_exception (kind, subject, currency, expected, actual, gas_eth, hash, explanation, wallet_eth, wallet_usdt, ledger_entry,
                                   found_at, round, seen_round)
  VALUES (of_kind, about, in_currency, expects, finds, gas, by_hash, words, of_eth, of_usdt, nullif(entry, 0), found_when, in_round, in_round);
END $$;

-- The end of a round: an open difference that it did not meet any more has vanished by itself. Payments that we did not know are looked at by
-- the list, which shows the newest only: they vanish by becoming known.
CREATE FUNCTION close_round(in_round bigint, closed timestamptz) RETURNS void LANGUAGE sql AS $$
  UPDATE reconcile_exception e SET resolved_at = closed, resolution = 'vanished', resolved_by = 'reconcile',
         resolution_reason = 'round ' || in_round || ' did not find it any more'
  WHERE resolved_at IS NULL AND seen_round < in_round
    AND (kind <> 'unknown_payment' OR EXISTS (SELECT FROM deposit d WHERE 'nowpayments/' || d.payment_id = e.subject));
$$;

CREATE FUNCTION resolve_exception(exception bigint, way text, why text, who text, at timestamptz, correction text) RETURNS void LANGUAGE sql AS $$
  UPDATE chain_movement m SET key = CASE WHEN correction = '' THEN m.key ELSE correction END,
         subject = CASE WHEN m.subject = '' THEN 'exception/' || e.id ELSE m.subject END
  FROM reconcile_exception e WHERE e.id = exception AND e.hash <> '' AND m.hash = lower(e.hash) AND NOT m.booked;
  UPDATE reconcile_exception SET resolved_at = at, resolution = way, resolution_reason = why, resolved_by = who, correction_key = correction
  WHERE id = exception AND resolved_at IS NULL;
$$;
