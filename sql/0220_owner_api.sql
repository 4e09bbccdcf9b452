-- What the owner's API reads and keeps (spec 8). Lists go by these indexes from any position, newest first; a page costs a page.
CREATE INDEX payment_of_channel ON payment (channel_id, id);
CREATE INDEX subscription_of_channel ON subscription (channel_id, id);
-- Who is in, and who went: one look over the end of the time line.
CREATE INDEX subscription_of_channel_end ON subscription (channel_id, ends_at);
DROP INDEX payout_channel;
CREATE INDEX payout_of_channel ON payout (channel_id, created_at, id);
CREATE INDEX accrual_of_channel ON accrual (channel_id, created_at);
-- What the provider has sent and the chain has not shown: few at any time.
CREATE INDEX deposit_underway ON deposit (order_id) WHERE settled_at IS NOT NULL AND arrived_at IS NULL;

-- The first answer to a creating request that named an Idempotency-Key. status NULL: it is being worked on. `first_at` is part of the seed
-- from which the work derives its ids, so that whoever takes over after a crash repeats the same work.
CREATE TABLE api_answer (
  account text NOT NULL,
  key text NOT NULL,
  body_sha256 text NOT NULL,
  first_at timestamptz NOT NULL,
  tried_at timestamptz NOT NULL,
  status smallint,
  answer text NOT NULL DEFAULT '',
  etag text NOT NULL DEFAULT '',
  location text NOT NULL DEFAULT '',
  PRIMARY KEY (account, key)
);
CREATE INDEX api_answer_age ON api_answer (first_at);

-- Log-ins and the like are counted over all nodes: a token bucket per client network. Lost with a crash of the server, which harms nobody.
CREATE UNLOGGED TABLE auth_bucket (
  network text PRIMARY KEY,
  tokens numeric(12,3) NOT NULL,
  granted boolean NOT NULL,
  at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Requests of external schedulers that were taken: a second one with the same nonce is a replay.
CREATE TABLE internal_nonce (
  nonce text PRIMARY KEY,
  at timestamptz NOT NULL
);

-- What the exchange pays out, by its own list. Empty until it was read once; then what it said last.
CREATE TABLE currency_network (
  ticker text NOT NULL,
  network text NOT NULL,
  legacy_ticker text NOT NULL,
  name text NOT NULL,
  has_memo boolean NOT NULL,
  PRIMARY KEY (ticker, network)
);
-- One row: when the list was read, and who is about to.
CREATE TABLE currency_list (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  read_at timestamptz,
  tried_at timestamptz,
  last_error text NOT NULL DEFAULT ''
);
INSERT INTO currency_list DEFAULT VALUES;
