-- What people watch: entities that stay where they are for too long, entities in quarantine, and the figures of the business. Every look reads
-- an index whose size is that of the trouble or of the last day, never that of the table.

-- How long an entity may be in a status. Written by every node at its start: the machines know it (stuck_after).
CREATE TABLE stuck_limit (
  kind entity_kind NOT NULL,
  status text NOT NULL,
  seconds bigint NOT NULL CHECK (seconds >= 0),
  PRIMARY KEY (kind, status)
);

-- Who has work due has a wake_at; who waits for a person has none, and is found by these.
CREATE INDEX payment_waits ON payment (id) WHERE status IN ('held', 'underpaid');
CREATE INDEX payout_waits ON payout (id) WHERE status = 'needs_attention';
CREATE INDEX conversion_waits ON conversion (id) WHERE status = 'needs_attention';

CREATE INDEX payment_quarantine ON payment (id) WHERE quarantine <> '';
CREATE INDEX subscription_quarantine ON subscription (id) WHERE quarantine <> '';
CREATE INDEX conversation_quarantine ON conversation (id) WHERE quarantine <> '';
CREATE INDEX payout_quarantine ON payout (id) WHERE quarantine <> '';
CREATE INDEX channel_quarantine ON channel (id) WHERE quarantine <> '';

-- Never changes, so updates stay heap-only.
CREATE INDEX payment_created ON payment (created_at);
CREATE INDEX payout_created ON payout (created_at);
CREATE INDEX accrual_created ON accrual (created_at);

-- The small tables (one row, or one per channel or conversion) are read as a whole.
CREATE VIEW stuck_entity AS
  SELECT c.kind, c.id, c.status, s.since, l.seconds, c.shard, c.version, c.attempts, c.last_error, c.quarantine, c.wake_at, c.updated_at
  FROM (
    SELECT 'payment'::entity_kind AS kind, id, status::text AS status, shard, version, attempts, last_error, quarantine, wake_at, created_at, updated_at
      FROM payment WHERE wake_at IS NOT NULL AND quarantine = ''
    UNION ALL SELECT 'payment', id, status::text, shard, version, attempts, last_error, quarantine, wake_at, created_at, updated_at
      FROM payment WHERE status IN ('held', 'underpaid') AND (wake_at IS NULL OR quarantine <> '')
    UNION ALL SELECT 'payout', id, status::text, shard, version, attempts, last_error, quarantine, wake_at, created_at, updated_at
      FROM payout WHERE wake_at IS NOT NULL AND quarantine = ''
    UNION ALL SELECT 'payout', id, status::text, shard, version, attempts, last_error, quarantine, wake_at, created_at, updated_at
      FROM payout WHERE status = 'needs_attention' AND (wake_at IS NULL OR quarantine <> '')
    UNION ALL SELECT 'conversion', id, status::text, shard, version, attempts, last_error, quarantine, wake_at, created_at, updated_at
      FROM conversion WHERE wake_at IS NOT NULL AND quarantine = ''
    UNION ALL SELECT 'conversion', id, status::text, shard, version, attempts, last_error, quarantine, wake_at, created_at, updated_at
      FROM conversion WHERE status = 'needs_attention' AND (wake_at IS NULL OR quarantine <> '')
    UNION ALL SELECT 'conversation', id, status::text, shard, version, attempts, last_error, quarantine, wake_at, created_at, updated_at
      FROM conversation WHERE wake_at IS NOT NULL AND quarantine = ''
    UNION ALL SELECT 'channel', id, status::text, shard, version, attempts, last_error, quarantine, wake_at, created_at, updated_at FROM channel
    UNION ALL SELECT 'wallet', id, status::text, shard, version, attempts, last_error, quarantine, wake_at, created_at, updated_at FROM wallet
    UNION ALL SELECT 'scheduler', id, status::text, shard, version, attempts, last_error, quarantine, wake_at, created_at, updated_at FROM scheduler
    UNION ALL SELECT 'reconciliation', id, status::text, shard, version, attempts, last_error, quarantine, wake_at, created_at, updated_at
      FROM reconciliation
  ) c
  JOIN stuck_limit l ON l.kind = c.kind AND l.status = c.status AND c.created_at <= now() - l.seconds * interval '1 second'
  CROSS JOIN LATERAL (
    -- Its last step that changed the status. A failure that is written down, or a poll, is no progress.
    SELECT coalesce(max(t.at), c.created_at) AS since FROM transition t WHERE t.id = c.id AND t.kind = c.kind AND t.from_status <> t.to_status
  ) s
  WHERE s.since <= now() - l.seconds * interval '1 second';

-- `message` is the one that it broke on, as JSON.
CREATE VIEW quarantined_entity AS
  SELECT c.kind, c.id, c.status, c.shard, c.version, c.cause, t.at, t.note AS message
  FROM (
    SELECT 'payment'::entity_kind AS kind, id, status::text AS status, shard, version, quarantine AS cause FROM payment WHERE quarantine <> ''
    UNION ALL SELECT 'subscription', id, status::text, shard, version, quarantine FROM subscription WHERE quarantine <> ''
    UNION ALL SELECT 'conversation', id, status::text, shard, version, quarantine FROM conversation WHERE quarantine <> ''
    UNION ALL SELECT 'payout', id, status::text, shard, version, quarantine FROM payout WHERE quarantine <> ''
    UNION ALL SELECT 'channel', id, status::text, shard, version, quarantine FROM channel WHERE quarantine <> ''
    UNION ALL SELECT 'conversion', id, status::text, shard, version, quarantine FROM conversion WHERE quarantine <> ''
    UNION ALL SELECT 'wallet', id, status::text, shard, version, quarantine FROM wallet WHERE quarantine <> ''
    UNION ALL SELECT 'poller', id, status::text, shard, version, quarantine FROM poller WHERE quarantine <> ''
    UNION ALL SELECT 'scheduler', id, status::text, shard, version, quarantine FROM scheduler WHERE quarantine <> ''
    UNION ALL SELECT 'reconciliation', id, status::text, shard, version, quarantine FROM reconciliation WHERE quarantine <> ''
  ) c
  LEFT JOIN LATERAL (
    SELECT at, note FROM transition t WHERE t.id = c.id AND t.kind = c.kind AND t.message = 'quarantined' ORDER BY t.version DESC LIMIT 1
  ) t ON true;
