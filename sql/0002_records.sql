-- What a step writes besides the entity's own row, in the same transaction: history, ledger, webhooks, accruals, failures.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END $$;

-- History: one row per step. Partitioned by month, so that old months can be detached as a whole; seq is the order of writing.
CREATE TABLE transition (
  seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY (CACHE 64),
  kind entity_kind NOT NULL,
  id text NOT NULL,
  version bigint NOT NULL,
  at timestamptz NOT NULL,
  message text NOT NULL,
  from_status text NOT NULL,
  to_status text NOT NULL,
  note text NOT NULL
) PARTITION BY RANGE (at);
CREATE INDEX transition_seq ON transition (seq);
CREATE INDEX transition_entity ON transition (id, version);
CREATE TABLE transition_default PARTITION OF transition DEFAULT;

-- Makes the partitions of this month (UTC) and of `months_ahead` more. A month that has rows in the default partition stays there.
CREATE FUNCTION make_transition_partitions(months_ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  first timestamptz;
  last timestamptz;
  name text;
  made integer := 0;
BEGIN
  FOR i IN 0..months_ahead LOOP
    first := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i)) AT TIME ZONE 'UTC';
    last := ((first AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
    name := 'transition_' || to_char(first AT TIME ZONE 'UTC', 'YYYYMM');
    IF to_regclass(name) IS NULL AND NOT EXISTS (SELECT FROM transition_default WHERE at >= first AND at < last) THEN
      EXECUTE format('CREATE TABLE %I PARTITION OF transition FOR VALUES FROM (%L) TO (%L)', name, first, last);
      made := made + 1;
    END IF;
  END LOOP;
  RETURN made;
END $$;
SELECT make_transition_partitions(3);

-- The ledger. Positive units are a debit, negative a credit; per currency the postings of an entry sum to 0.
CREATE TABLE ledger_entry (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key text NOT NULL UNIQUE,
  at timestamptz NOT NULL,
  reason text NOT NULL,
  kind entity_kind NOT NULL,
  entity_id text NOT NULL,
  version bigint NOT NULL
);
CREATE INDEX ledger_entry_entity ON ledger_entry (entity_id);

CREATE TABLE ledger_posting (
  entry bigint NOT NULL REFERENCES ledger_entry (id),
  line smallint NOT NULL CHECK (line > 0),
  account text NOT NULL CHECK (account <> ''),
  currency text NOT NULL CHECK (currency <> '' AND currency = lower(currency)),
  units numeric(38,18) NOT NULL CHECK (units <> 0),
  PRIMARY KEY (entry, line)
);
CREATE INDEX ledger_posting_account ON ledger_posting (account, currency);

CREATE FUNCTION ledger_must_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  wrong record;
BEGIN
  SELECT entry, currency, sum(units) AS rest INTO wrong FROM added GROUP BY entry, currency HAVING sum(units) <> 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'ledger entry % does not balance: % % are left', wrong.entry, trim_scale(wrong.rest), wrong.currency
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER ledger_must_balance AFTER INSERT ON ledger_posting REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_must_balance();
CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_posting_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_posting
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE VIEW ledger_balance AS
  SELECT account, currency, sum(units) AS units FROM ledger_posting GROUP BY account, currency;

-- IPNs and webhooks as they came, for replay and audit. A repeat of the same body counts up.
CREATE TABLE webhook_event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL,
  body_sha256 bytea NOT NULL,
  payment_id text NOT NULL,
  order_id text NOT NULL,
  order_known boolean NOT NULL,
  raw bytea NOT NULL,
  received integer NOT NULL CHECK (received > 0),
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  UNIQUE (source, body_sha256)
);
CREATE INDEX webhook_event_order ON webhook_event (order_id);

CREATE TYPE accrual_status AS ENUM ('pending', 'converting', 'converted', 'paying', 'paid');

-- One row per finished deposit: the value that gathers for an owner, or was taken at once by a payout.
CREATE TABLE accrual (
  payment_id text PRIMARY KEY REFERENCES deposit (payment_id),
  order_id text NOT NULL REFERENCES payment (id),
  channel_id bigint NOT NULL,
  status accrual_status NOT NULL,
  payout_id text NOT NULL,
  gross_usd numeric(38,18) NOT NULL CHECK (gross_usd >= 0),
  fee_usd numeric(38,18) NOT NULL CHECK (fee_usd >= 0),
  net_usd numeric(38,18) NOT NULL CHECK (net_usd >= 0),
  gross_eth numeric(38,18) NOT NULL CHECK (gross_eth >= 0),
  fee_eth numeric(38,18) NOT NULL CHECK (fee_eth >= 0),
  net_eth numeric(38,18) NOT NULL CHECK (net_eth >= 0),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT eth_shares_sum CHECK (gross_eth = fee_eth + net_eth),
  CONSTRAINT usd_shares_sum CHECK (gross_usd = fee_usd + net_usd),
  CONSTRAINT paid_has_payout CHECK (status NOT IN ('paying', 'paid') OR payout_id <> '')
);
CREATE INDEX accrual_payout ON accrual (payout_id) WHERE payout_id <> '';
CREATE INDEX accrual_pending ON accrual (channel_id) WHERE status IN ('pending', 'converted');

-- Failures that a person has to look at: one open row per entity.
CREATE TABLE failed_transaction (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind entity_kind NOT NULL,
  entity_id text NOT NULL,
  code text NOT NULL,
  text text NOT NULL,
  times integer NOT NULL DEFAULT 1,
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  resolved_at timestamptz,
  resolved_by text,
  resolution text,
  CONSTRAINT resolved_has_reason CHECK ((resolved_at IS NULL) = (resolution IS NULL))
);
CREATE UNIQUE INDEX failed_transaction_open ON failed_transaction (kind, entity_id) WHERE resolved_at IS NULL;
