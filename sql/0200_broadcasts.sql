-- Broadcasts (spec 6): their entities, what a channel knows of its posts, and the subscribers of a channel in the order of their ids.

ALTER TYPE entity_kind ADD VALUE IF NOT EXISTS 'broadcast';
CREATE TYPE broadcast_status AS ENUM ('requested', 'posting', 'placing', 'counting', 'sending', 'paused', 'completed', 'refused', 'failed',
                                      'cancelled');
CREATE TYPE broadcast_what AS ENUM ('offer', 'donation', 'message');
CREATE TYPE broadcast_target AS ENUM ('channel', 'subscribers');
CREATE TYPE broadcast_wish AS ENUM ('none', 'pause', 'cancel');
CREATE TYPE post_cadence AS ENUM ('automatic', 'daily', 'weekly', 'monthly', 'off');

CREATE TABLE broadcast (
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
  status broadcast_status NOT NULL,
  channel_id bigint NOT NULL,
  what broadcast_what NOT NULL,
  target broadcast_target NOT NULL,
  scheduled boolean NOT NULL,
  html text NOT NULL,
  owner_chat_id bigint NOT NULL,
  channel_title text NOT NULL,
  started_at timestamptz NOT NULL,
  message_id bigint NOT NULL,
  placed boolean NOT NULL,
  recipients bigint NOT NULL CHECK (recipients >= 0),
  sent bigint NOT NULL CHECK (sent >= 0),
  failed bigint NOT NULL CHECK (failed >= 0),
  skipped bigint NOT NULL CHECK (skipped >= 0),
  cursor_user_id bigint NOT NULL,
  again text NOT NULL,
  rounds integer NOT NULL CHECK (rounds >= 0),
  wish broadcast_wish NOT NULL,
  again_at timestamptz,
  warned_at timestamptz,
  told_at timestamptz,
  ended_at timestamptz,
  reason text NOT NULL,
  CONSTRAINT message_has_words CHECK (what <> 'message' OR html <> ''),
  CONSTRAINT posted_has_message CHECK (status <> 'placing' OR message_id <> 0)
) WITH (fillfactor = 80);
CREATE INDEX broadcast_wake ON broadcast (wake_at) WHERE wake_at IS NOT NULL AND quarantine = '';
CREATE INDEX broadcast_trouble ON broadcast (id) WHERE attempts > 0 OR last_error <> '' OR quarantine <> '';
CREATE INDEX broadcast_channel ON broadcast (channel_id, started_at);

-- Nothing that is under way changes: the offers that stand are due again after the usual time.
ALTER TABLE channel
  ADD donation_message_id bigint NOT NULL DEFAULT 0,
  ADD words_message_id bigint NOT NULL DEFAULT 0,
  ADD retired text NOT NULL DEFAULT '',
  ADD cadence post_cadence NOT NULL DEFAULT 'automatic',
  ADD cadence_day integer NOT NULL DEFAULT 1 CHECK (cadence_day BETWEEN 1 AND 28),
  ADD cadence_hour integer NOT NULL DEFAULT 9 CHECK (cadence_hour BETWEEN 0 AND 23),
  ADD offer_due_at timestamptz,
  ADD donation_due_at timestamptz,
  ADD manual_id text NOT NULL DEFAULT '',
  ADD manual_at timestamptz;
UPDATE channel SET offer_due_at = now() + CASE WHEN status = 'offered' THEN interval '24 hours' ELSE interval '0' END,
                   donation_due_at = CASE WHEN donations THEN now() + interval '24 hours' END
WHERE status <> 'closed';
CREATE INDEX channel_offer_due ON channel (offer_due_at) WHERE offer_due_at IS NOT NULL;
CREATE INDEX channel_donation_due ON channel (donation_due_at) WHERE donation_due_at IS NOT NULL;

CREATE INDEX subscription_channel ON subscription (channel_id, user_id);
