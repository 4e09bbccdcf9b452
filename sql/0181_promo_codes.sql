-- Promo codes (spec 4): a code of a channel is an entity, so that its limits are asked and never raced for.

ALTER TYPE entity_kind ADD VALUE IF NOT EXISTS 'broadcast'; -- Its table comes with 0200.
ALTER TYPE entity_kind ADD VALUE 'promo_code';
CREATE TYPE promo_code_status AS ENUM ('open', 'disabled');
CREATE TYPE promo_state AS ENUM ('none', 'wanted', 'taken', 'refused', 'released');

CREATE TABLE promo_code (
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
  status promo_code_status NOT NULL,
  channel_id bigint NOT NULL,
  code text NOT NULL,
  percent integer NOT NULL CHECK (percent BETWEEN 0 AND 100),
  fixed_usd numeric(38,18) NOT NULL CHECK (fixed_usd >= 0),
  uses_max integer NOT NULL CHECK (uses_max >= 0),
  uses_per_user integer NOT NULL CHECK (uses_per_user >= 0),
  expires_at timestamptz,
  CONSTRAINT share_or_amount CHECK (percent = 0 OR fixed_usd = 0)
) WITH (fillfactor = 80);
CREATE INDEX promo_code_wake ON promo_code (wake_at) WHERE wake_at IS NOT NULL AND quarantine = '';
CREATE INDEX promo_code_trouble ON promo_code (id) WHERE attempts > 0 OR last_error <> '' OR quarantine <> '';
CREATE INDEX promo_code_channel ON promo_code (channel_id);

-- One order uses one code, once.
CREATE TABLE promo_use (
  order_id text PRIMARY KEY,
  promo_id text NOT NULL REFERENCES promo_code (id),
  user_id bigint NOT NULL,
  price_usd numeric(38,18) NOT NULL CHECK (price_usd >= 0),
  redeemed_at timestamptz NOT NULL,
  released_at timestamptz,
  seq bigint GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX promo_use_promo ON promo_use (promo_id);

ALTER TABLE payment
  ADD promo_code text NOT NULL DEFAULT '',
  ADD promo promo_state NOT NULL DEFAULT 'none',
  ADD list_price_usd numeric(38,18) NOT NULL DEFAULT 0 CHECK (list_price_usd >= 0),
  ADD promo_at timestamptz,
  ADD promo_words text NOT NULL DEFAULT '',
  ADD CONSTRAINT promo_has_code CHECK ((promo = 'none') = (promo_code = '')),
  ADD CONSTRAINT promo_never_raises CHECK (promo = 'none' OR price_usd <= list_price_usd);
