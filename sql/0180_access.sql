-- The life of a subscription (spec 4): its phases, the way into the closed channel and out of it, what its people are told. Invites live
-- with the subscription now: a payment only keeps the link for its page, and has none when its subscriber is in already.

ALTER TYPE subscription_status ADD VALUE 'expiring' BEFORE 'expired';
ALTER TYPE subscription_status ADD VALUE 'grace' BEFORE 'expired';
CREATE TYPE subscription_access AS ENUM ('inviting', 'invited', 'admitting', 'inside', 'outside', 'looking', 'judging', 'banning', 'unbanning',
                                         'removed', 'exempt');
CREATE TYPE subscription_notice AS ENUM ('none', 'invited', 'extended', 'admitted', 'present', 'ended', 'misused', 'requested');

ALTER TABLE subscription_period ADD announced boolean NOT NULL DEFAULT true;
-- Who has paid and has no link yet gets it by the subscription.
UPDATE subscription_period r SET announced = false FROM payment p WHERE p.id = r.order_id AND p.invited_at IS NULL;

-- Rows of before: nobody knows whether they are in. They are looked for when their time is over, and when they come back.
ALTER TABLE subscription
  ADD extended_at timestamptz NOT NULL DEFAULT now(),
  ADD reminded_to timestamptz NOT NULL DEFAULT now(),
  ADD access subscription_access NOT NULL DEFAULT 'inside',
  ADD access_at timestamptz NOT NULL DEFAULT now(),
  ADD access_seq bigint NOT NULL DEFAULT 0,
  ADD invite_link text NOT NULL DEFAULT '',
  ADD invite_expires_at timestamptz,
  ADD spent_links text NOT NULL DEFAULT '',
  ADD requested_at timestamptz,
  ADD recheck_at timestamptz,
  ADD owed_notice subscription_notice NOT NULL DEFAULT 'none',
  ADD notice_seq bigint NOT NULL DEFAULT 0,
  ADD remark text NOT NULL DEFAULT '',
  ADD asked boolean NOT NULL DEFAULT false,
  ADD removed_at timestamptz,
  ADD sweeps integer NOT NULL DEFAULT 0 CHECK (sweeps >= 0),
  ADD trial_order text NOT NULL DEFAULT '',
  ADD trouble text NOT NULL DEFAULT '',
  ADD tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
  ADD retry_at timestamptz,
  ADD report_owed boolean NOT NULL DEFAULT false,
  ADD reported boolean NOT NULL DEFAULT false,
  ADD last_update_id bigint NOT NULL DEFAULT 0,
  ADD CONSTRAINT invited_has_link CHECK (access <> 'invited' OR (invite_link <> '' AND invite_expires_at IS NOT NULL)),
  ADD CONSTRAINT asking_has_time CHECK (access <> 'admitting' OR requested_at IS NOT NULL);
UPDATE subscription s SET access = 'inviting' WHERE s.ends_at > now()
  AND EXISTS (SELECT FROM subscription_period r WHERE r.subscription_id = s.id AND NOT r.announced);
-- Each is woken once and says for itself when it wants to be woken again.
UPDATE subscription SET wake_at = now();
ALTER TABLE payment DROP CONSTRAINT invited_has_link;

ALTER TABLE channel
  ADD trial_days integer NOT NULL DEFAULT 0 CHECK (trial_days BETWEEN 0 AND 365),
  ADD rights_lost text NOT NULL DEFAULT '',
  ADD rights_told_at timestamptz,
  ADD rights_tells integer NOT NULL DEFAULT 0 CHECK (rights_tells >= 0),
  ADD rights_back boolean NOT NULL DEFAULT false,
  ADD last_update_id bigint NOT NULL DEFAULT 0;
CREATE INDEX channel_closed ON channel (closed_channel_id);
