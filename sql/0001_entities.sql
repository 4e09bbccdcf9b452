-- The durable entities: a table per kind, one row per entity, and the child tables that are loaded with them.
-- Column names after the header are those of each_field in messages/*.hpp; labels of the enums are those of enum_names there.
-- The header (id .. updated_at) is the runtime's: version guards every write, wake_at is the only timer an entity has.

CREATE TYPE entity_kind AS ENUM ('payment', 'subscription', 'channel', 'conversation', 'payout', 'wallet', 'poller');
CREATE TYPE payment_status AS ENUM ('created', 'waiting', 'confirming', 'confirmed', 'sending', 'partially_paid', 'failed', 'refunded',
                                    'expired', 'underpaid', 'held', 'paid');
CREATE TYPE provider_status AS ENUM ('waiting', 'confirming', 'confirmed', 'sending', 'partially_paid', 'finished', 'failed', 'refunded',
                                     'expired');
CREATE TYPE payout_strategy AS ENUM ('instant', 'threshold');
CREATE TYPE channel_status AS ENUM ('registered', 'offered', 'closed');
CREATE TYPE subscription_status AS ENUM ('active', 'expired');
CREATE TYPE conversation_status AS ENUM ('idle', 'looking_up', 'offered', 'ordering');
CREATE TYPE conversation_view AS ENUM ('none', 'help', 'offer', 'unknown_link', 'not_for_sale', 'use_buttons');
CREATE TYPE payout_status AS ENUM ('requested', 'awaiting_approval', 'estimating', 'swapping', 'funding', 'confirming', 'exchanging',
                                   'completed', 'failed', 'needs_attention', 'cancelled');
CREATE TYPE swap_status AS ENUM ('new', 'waiting', 'confirming', 'exchanging', 'sending', 'finished', 'failed', 'refunded', 'verifying',
                                 'expired');
CREATE TYPE wallet_status AS ENUM ('opening', 'ready', 'paused');
CREATE TYPE transfer_status AS ENUM ('queued', 'prepared', 'signed', 'broadcast', 'confirmed', 'reverted', 'dropped');
CREATE TYPE poller_status AS ENUM ('polling');

-- Every amount: units of 10^-18 survive unchanged.
-- fillfactor leaves room on the page for the next version of a row, so that an update needs no index write unless wake_at moves.

CREATE TABLE payment (
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
  status payment_status NOT NULL,
  channel_id bigint NOT NULL,
  closed_channel_id bigint NOT NULL,
  owner_chat_id bigint NOT NULL,
  channel_title text NOT NULL,
  chat_id bigint NOT NULL,
  user_id bigint NOT NULL,
  user_name text NOT NULL,
  donation boolean NOT NULL,
  tier integer NOT NULL CHECK (tier BETWEEN -1 AND 2),
  days integer NOT NULL CHECK (days >= 0),
  price_usd numeric(38,18) NOT NULL CHECK (price_usd >= 0),
  strategy payout_strategy NOT NULL,
  payout_ticker text NOT NULL,
  payout_network text NOT NULL,
  payout_address text NOT NULL,
  payout_extra_id text NOT NULL,
  invoice_id text NOT NULL,
  invoice_url text NOT NULL,
  link_sent_at timestamptz,
  judged_at timestamptz,
  estimated boolean NOT NULL,
  late boolean NOT NULL,
  overpaid boolean NOT NULL,
  ends_at timestamptz,
  invite_link text NOT NULL,
  invited_at timestamptz,
  owner_told_at timestamptz,
  shortfall_told_at timestamptz,
  polled_at timestamptz,
  polls integer NOT NULL CHECK (polls >= 0),
  CONSTRAINT judged_has_time CHECK (status NOT IN ('underpaid', 'held', 'paid') OR judged_at IS NOT NULL),
  -- A donor is thanked, not invited.
  CONSTRAINT invited_has_link CHECK (invited_at IS NULL OR donation OR invite_link <> '')
) WITH (fillfactor = 80);
CREATE INDEX payment_wake ON payment (wake_at) WHERE wake_at IS NOT NULL AND quarantine = '';

-- One arrival of coins. seq: order of arrival.
CREATE TABLE deposit (
  payment_id text PRIMARY KEY,
  order_id text NOT NULL REFERENCES payment (id),
  parent_payment_id text NOT NULL,
  status provider_status NOT NULL,
  pay_currency text NOT NULL,
  actually_paid numeric(38,18) NOT NULL CHECK (actually_paid >= 0),
  outcome_currency text NOT NULL,
  gross_eth numeric(38,18) NOT NULL CHECK (gross_eth >= 0),
  fee_eth numeric(38,18) NOT NULL CHECK (fee_eth >= 0),
  net_eth numeric(38,18) NOT NULL CHECK (net_eth >= 0),
  gross_usd numeric(38,18) NOT NULL CHECK (gross_usd >= 0),
  fee_usd numeric(38,18) NOT NULL CHECK (fee_usd >= 0),
  net_usd numeric(38,18) NOT NULL CHECK (net_usd >= 0),
  payin_hash text NOT NULL,
  payout_hash text NOT NULL,
  settled_at timestamptz,
  arrived_at timestamptz,
  payout_id text NOT NULL,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  -- Shared between owner and platform in full, or not at all: an underpaid deposit is settled as nobody's yet.
  CONSTRAINT eth_shares_sum CHECK (settled_at IS NULL OR gross_eth = fee_eth + net_eth OR (fee_eth = 0 AND net_eth = 0)),
  CONSTRAINT usd_shares_sum CHECK (settled_at IS NULL OR gross_usd = fee_usd + net_usd OR (fee_usd = 0 AND net_usd = 0))
) WITH (fillfactor = 85);
CREATE INDEX deposit_order ON deposit (order_id);

CREATE TABLE subscription (
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
  status subscription_status NOT NULL,
  channel_id bigint NOT NULL,
  closed_channel_id bigint NOT NULL,
  user_id bigint NOT NULL,
  chat_id bigint NOT NULL,
  user_name text NOT NULL,
  channel_title text NOT NULL,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  CONSTRAINT ends_after_start CHECK (ends_at >= starts_at)
) WITH (fillfactor = 90);
CREATE INDEX subscription_wake ON subscription (wake_at) WHERE wake_at IS NOT NULL AND quarantine = '';

-- One order extends once: its id is the key.
CREATE TABLE subscription_period (
  order_id text PRIMARY KEY,
  subscription_id text NOT NULL REFERENCES subscription (id),
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  CONSTRAINT ends_after_start CHECK (ends_at >= starts_at)
);
CREATE INDEX subscription_period_subscription ON subscription_period (subscription_id);

CREATE TABLE channel (
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
  status channel_status NOT NULL,
  open_channel_id bigint NOT NULL,
  closed_channel_id bigint NOT NULL,
  open_title text NOT NULL,
  closed_title text NOT NULL,
  description text NOT NULL,
  owner_chat_id bigint NOT NULL,
  tier_1_price_usd numeric(38,18) NOT NULL CHECK (tier_1_price_usd >= 0),
  tier_1_days integer NOT NULL CHECK (tier_1_days >= 0),
  tier_2_price_usd numeric(38,18) NOT NULL CHECK (tier_2_price_usd >= 0),
  tier_2_days integer NOT NULL CHECK (tier_2_days >= 0),
  tier_3_price_usd numeric(38,18) NOT NULL CHECK (tier_3_price_usd >= 0),
  tier_3_days integer NOT NULL CHECK (tier_3_days >= 0),
  donations boolean NOT NULL,
  strategy payout_strategy NOT NULL,
  threshold_usd numeric(38,18) NOT NULL CHECK (threshold_usd >= 0),
  payout_ticker text NOT NULL,
  payout_network text NOT NULL,
  payout_address text NOT NULL,
  payout_extra_id text NOT NULL,
  offer_message_id bigint NOT NULL,
  CONSTRAINT tier_1_has_price CHECK (tier_1_days = 0 OR tier_1_price_usd > 0),
  CONSTRAINT tier_2_has_price CHECK (tier_2_days = 0 OR tier_2_price_usd > 0),
  CONSTRAINT tier_3_has_price CHECK (tier_3_days = 0 OR tier_3_price_usd > 0)
) WITH (fillfactor = 90);
CREATE INDEX channel_wake ON channel (wake_at) WHERE wake_at IS NOT NULL AND quarantine = '';

CREATE TABLE conversation (
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
  status conversation_status NOT NULL,
  chat_id bigint NOT NULL,
  user_id bigint NOT NULL,
  user_name text NOT NULL,
  last_update_id bigint NOT NULL,
  owed_view conversation_view NOT NULL,
  view_seq bigint NOT NULL,
  open_callback text NOT NULL,
  channel_id bigint NOT NULL,
  tier integer NOT NULL,
  channel_title text NOT NULL,
  price_usd numeric(38,18) NOT NULL CHECK (price_usd >= 0),
  days integer NOT NULL CHECK (days >= 0),
  order_id text NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX conversation_wake ON conversation (wake_at) WHERE wake_at IS NOT NULL AND quarantine = '';

CREATE TABLE payout (
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
  status payout_status NOT NULL,
  channel_id bigint NOT NULL,
  owner_chat_id bigint NOT NULL,
  order_id text NOT NULL,
  target_ticker text NOT NULL,
  target_network text NOT NULL,
  address text NOT NULL,
  extra_id text NOT NULL,
  source_eth numeric(38,18) NOT NULL CHECK (source_eth >= 0),
  net_usd numeric(38,18) NOT NULL CHECK (net_usd >= 0),
  approved boolean NOT NULL,
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
  completed_at timestamptz,
  sent_told_at timestamptz,
  end_told_at timestamptz,
  -- Each pot pays its own: a payout never sends more than came in for it.
  CONSTRAINT funded_within_source CHECK (funded_eth <= source_eth),
  CONSTRAINT sent_has_transaction CHECK (status NOT IN ('confirming', 'exchanging', 'completed') OR tx_hash <> '')
) WITH (fillfactor = 80);
CREATE INDEX payout_wake ON payout (wake_at) WHERE wake_at IS NOT NULL AND quarantine = '';

CREATE TABLE wallet (
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
  status wallet_status NOT NULL,
  address text NOT NULL,
  next_nonce bigint NOT NULL CHECK (next_nonce >= 0),
  alert text NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX wallet_wake ON wallet (wake_at) WHERE wake_at IS NOT NULL AND quarantine = '';

CREATE TABLE wallet_transfer (
  intent text PRIMARY KEY,
  wallet text NOT NULL REFERENCES wallet (id),
  status transfer_status NOT NULL,
  recipient text NOT NULL,
  value_eth numeric(38,18) NOT NULL CHECK (value_eth > 0),
  memo text NOT NULL,
  nonce bigint NOT NULL CHECK (nonce >= -1),
  gas_limit bigint NOT NULL CHECK (gas_limit >= 0),
  max_fee_eth numeric(38,18) NOT NULL CHECK (max_fee_eth >= 0),
  priority_fee_eth numeric(38,18) NOT NULL CHECK (priority_fee_eth >= 0),
  raising boolean NOT NULL,
  raw text NOT NULL,
  hash text NOT NULL,
  old_hashes text NOT NULL,
  broadcast_at timestamptz,
  block_number bigint NOT NULL CHECK (block_number >= 0),
  gas_used bigint NOT NULL CHECK (gas_used >= 0),
  gas_fee_eth numeric(38,18) NOT NULL CHECK (gas_fee_eth >= 0),
  requested_at timestamptz NOT NULL,
  sign_before timestamptz,
  missing_since timestamptz,
  reason text NOT NULL,
  acknowledged_at timestamptz,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  CONSTRAINT prepared_has_nonce CHECK (status IN ('queued', 'dropped') OR nonce >= 0),
  CONSTRAINT signed_has_bytes CHECK (status IN ('queued', 'prepared', 'dropped') OR (raw <> '' AND hash <> ''))
) WITH (fillfactor = 80);
-- Two transfers never share a nonce.
CREATE UNIQUE INDEX wallet_transfer_nonce ON wallet_transfer (wallet, nonce) WHERE nonce >= 0;
-- What a wallet is loaded with: the transfers not acknowledged, and those lately acknowledged.
CREATE INDEX wallet_transfer_open ON wallet_transfer (wallet, acknowledged_at);

-- Money out is exactly once: whoever writes, a transfer never changes whom and what it pays, keeps its nonce once something was signed
-- under it, and never leaves a final status.
CREATE FUNCTION wallet_transfer_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.intent <> OLD.intent OR NEW.wallet <> OLD.wallet OR NEW.recipient <> OLD.recipient OR NEW.value_eth <> OLD.value_eth THEN
    RAISE EXCEPTION 'transfer %: wallet, recipient and value never change', OLD.intent USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.raw <> '' AND NEW.nonce <> OLD.nonce THEN
    RAISE EXCEPTION 'transfer %: nonce % is signed and never changes', OLD.intent, OLD.nonce USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.raw <> '' AND (NEW.raw = '' OR NEW.hash = '') THEN
    RAISE EXCEPTION 'transfer %: signed bytes are never forgotten', OLD.intent USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.status IN ('confirmed', 'reverted') AND NEW.status <> OLD.status THEN
    RAISE EXCEPTION 'transfer %: % is final', OLD.intent, OLD.status USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER wallet_transfer_guard BEFORE UPDATE ON wallet_transfer FOR EACH ROW EXECUTE FUNCTION wallet_transfer_guard();

CREATE TABLE poller (
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
  status poller_status NOT NULL,
  next_offset bigint NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX poller_wake ON poller (wake_at) WHERE wake_at IS NOT NULL AND quarantine = '';
