-- Promo codes in the list of those in quarantine.
CREATE OR REPLACE VIEW quarantined_entity AS
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
    UNION ALL SELECT 'promo_code', id, status::text, shard, version, quarantine FROM promo_code WHERE quarantine <> ''
  ) c
  LEFT JOIN LATERAL (
    SELECT at, note FROM transition t WHERE t.id = c.id AND t.kind = c.kind AND t.message = 'quarantined' ORDER BY t.version DESC LIMIT 1
  ) t ON true;
