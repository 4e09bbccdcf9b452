-- The bot's conversations and the owners' side of channels (spec 3, 7, 8).

ALTER TYPE channel_status ADD VALUE 'claiming';
ALTER TYPE channel_status ADD VALUE 'refused';
ALTER TYPE channel_status ADD VALUE 'draining';
CREATE TYPE channel_notice AS ENUM ('none', 'payout_asked', 'payout_confirmed', 'payout_changed', 'payout_kept', 'payout_lapsed', 'draining',
                                    'closed');

ALTER TABLE channel
  ADD owner_user_id bigint NOT NULL DEFAULT 0,
  ADD owner_account text NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS trial_days integer NOT NULL DEFAULT 0 CHECK (trial_days >= 0),
  ADD change_ticker text NOT NULL DEFAULT '',
  ADD change_network text NOT NULL DEFAULT '',
  ADD change_address text NOT NULL DEFAULT '',
  ADD change_extra_id text NOT NULL DEFAULT '',
  ADD change_token text NOT NULL DEFAULT '',
  ADD change_in_telegram boolean NOT NULL DEFAULT false,
  ADD change_confirmed boolean NOT NULL DEFAULT false,
  ADD change_at timestamptz,
  ADD owed_notice channel_notice NOT NULL DEFAULT 'none',
  ADD notice_seq bigint NOT NULL DEFAULT 0,
  ADD CONSTRAINT change_is_whole CHECK ((change_token = '') = (change_at IS NULL) AND (change_token = '' OR change_address <> ''));
-- A private chat has its user's id.
UPDATE channel SET owner_user_id = owner_chat_id WHERE owner_chat_id > 0;
CREATE INDEX channel_owner ON channel (owner_user_id) WHERE owner_user_id <> 0;
CREATE INDEX channel_account ON channel (owner_account) WHERE owner_account <> '';

-- The places of an owner's channels: at most so many at a time, however many are asked for at once.
CREATE TABLE channel_slot (
  channel_id bigint PRIMARY KEY,
  owner_user_id bigint NOT NULL,
  owner_account text NOT NULL,
  granted boolean NOT NULL,
  used bigint NOT NULL, -- By the owner's other channels when it was claimed.
  claimed_at timestamptz NOT NULL,
  returned_at timestamptz
);
CREATE INDEX channel_slot_user ON channel_slot (owner_user_id) WHERE granted AND returned_at IS NULL;
CREATE INDEX channel_slot_account ON channel_slot (owner_account) WHERE granted AND returned_at IS NULL;
INSERT INTO channel_slot (channel_id, owner_user_id, owner_account, granted, used, claimed_at)
  SELECT open_channel_id, owner_user_id, '', true, 0, created_at FROM channel WHERE status <> 'closed' ON CONFLICT DO NOTHING;

CREATE FUNCTION claim_channel_slot(channel bigint, owner_user bigint, account text, most bigint, whatever boolean, at timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  others bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('channel_slot'));
  SELECT count(*) INTO others FROM channel_slot s WHERE s.granted AND s.returned_at IS NULL AND s.channel_id <> channel
    AND ((owner_user <> 0 AND s.owner_user_id = owner_user) OR (account <> '' AND s.owner_account = account));
  INSERT INTO channel_slot AS s (channel_id, owner_user_id, owner_account, granted, used, claimed_at)
    VALUES (channel, owner_user, account, whatever OR others < most, others, at)
    ON CONFLICT (channel_id) DO UPDATE SET owner_user_id = EXCLUDED.owner_user_id, owner_account = EXCLUDED.owner_account,
      granted = EXCLUDED.granted, used = EXCLUDED.used, claimed_at = EXCLUDED.claimed_at, returned_at = NULL;
END $$;

ALTER TYPE conversation_status ADD VALUE 'listing';
ALTER TYPE conversation_status ADD VALUE 'typing_amount';
ALTER TYPE conversation_status ADD VALUE 'writing_message';
ALTER TYPE conversation_status ADD VALUE 'opening';
ALTER TYPE conversation_status ADD VALUE 'editing';
ALTER TYPE conversation_status ADD VALUE 'entering';
ALTER TYPE conversation_status ADD VALUE 'finding';
ALTER TYPE conversation_status ADD VALUE 'verifying';
ALTER TYPE conversation_status ADD VALUE 'saving';
ALTER TYPE conversation_status ADD VALUE 'settling';
ALTER TYPE conversation_status ADD VALUE 'addressing';
ALTER TYPE conversation_status ADD VALUE 'writing_post';
ALTER TYPE conversation_status ADD VALUE 'confirming_post';
ALTER TYPE conversation_status ADD VALUE 'claiming_post';
ALTER TYPE conversation_status ADD VALUE 'posting';
ALTER TYPE conversation_status ADD VALUE 'entering_code';
ALTER TYPE conversation_status ADD VALUE 'quoting';
ALTER TYPE conversation_status ADD VALUE 'trying';
ALTER TYPE conversation_view ADD VALUE 'cancelled';
ALTER TYPE conversation_view ADD VALUE 'choice';
ALTER TYPE conversation_view ADD VALUE 'keypad';
ALTER TYPE conversation_view ADD VALUE 'ask_message';
ALTER TYPE conversation_view ADD VALUE 'list';
ALTER TYPE conversation_view ADD VALUE 'form';
ALTER TYPE conversation_view ADD VALUE 'ask_field';
ALTER TYPE conversation_view ADD VALUE 'confirm_close';
ALTER TYPE conversation_view ADD VALUE 'note';
ALTER TYPE conversation_view ADD VALUE 'ask_post';
ALTER TYPE conversation_view ADD VALUE 'preview_post';
ALTER TYPE conversation_view ADD VALUE 'ask_code';
CREATE TYPE conversation_query AS ENUM ('none', 'subscriptions', 'donations', 'own_channels', 'stats', 'broadcasts');
CREATE TYPE conversation_errand AS ENUM ('none', 'invite', 'confirm_payout', 'keep_payout', 'close_channel');
CREATE TYPE form_field AS ENUM ('none', 'open_channel', 'closed_channel', 'open_title', 'closed_title', 'description', 'price_1', 'days_1',
                                'price_2', 'days_2', 'price_3', 'days_3', 'coin', 'address', 'memo', 'threshold', 'trial');

ALTER TABLE conversation
  ADD panel_id bigint NOT NULL DEFAULT 0,
  ADD edit_panel boolean NOT NULL DEFAULT false,
  ADD words text NOT NULL DEFAULT '',
  ADD query conversation_query NOT NULL DEFAULT 'none',
  ADD page integer NOT NULL DEFAULT 0 CHECK (page >= 0),
  ADD amount text NOT NULL DEFAULT '',
  ADD donation_message text NOT NULL DEFAULT '',
  ADD field form_field NOT NULL DEFAULT 'none',
  ADD errand conversation_errand NOT NULL DEFAULT 'none',
  ADD errand_channel_id bigint NOT NULL DEFAULT 0,
  ADD errand_token text NOT NULL DEFAULT '',
  ADD promo_code text NOT NULL DEFAULT '',
  ADD promo_price_usd numeric(38,18) NOT NULL DEFAULT 0 CHECK (promo_price_usd >= 0),
  ADD promo_good boolean NOT NULL DEFAULT false,
  ADD trial_days integer NOT NULL DEFAULT 0 CHECK (trial_days >= 0),
  ADD post_html text NOT NULL DEFAULT '',
  ADD to_subscribers boolean NOT NULL DEFAULT false;

-- What an owner has changed in the form and not saved yet.
CREATE TABLE channel_draft (
  conversation_id text PRIMARY KEY REFERENCES conversation (id),
  open boolean NOT NULL,
  registered boolean NOT NULL,
  open_channel_id bigint NOT NULL,
  closed_channel_id bigint NOT NULL,
  open_title text NOT NULL,
  closed_title text NOT NULL,
  description text NOT NULL,
  tier_1_price_usd numeric(38,18) NOT NULL,
  tier_1_days integer NOT NULL,
  tier_2_price_usd numeric(38,18) NOT NULL,
  tier_2_days integer NOT NULL,
  tier_3_price_usd numeric(38,18) NOT NULL,
  tier_3_days integer NOT NULL,
  donations boolean NOT NULL,
  strategy payout_strategy NOT NULL,
  threshold_usd numeric(38,18) NOT NULL,
  payout_ticker text NOT NULL,
  payout_network text NOT NULL,
  payout_address text NOT NULL,
  payout_extra_id text NOT NULL,
  trial_days integer NOT NULL
);

-- What a donor wrote to the owner.
ALTER TABLE payment ADD donation_message text NOT NULL DEFAULT '';

-- Where Telegram sends updates, as it was last told; empty: it is polled.
ALTER TYPE poller_status ADD VALUE 'webhook';
ALTER TABLE poller ADD webhook_url text NOT NULL DEFAULT '';

-- /subscriptions of one person.
CREATE INDEX subscription_user ON subscription (user_id);
