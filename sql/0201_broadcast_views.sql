-- Broadcasts where people look: among the stuck and the quarantined, and as the predecessor's table. After 0200: a new label of an enum can
-- be used only when it is committed.

-- Each kind that is added is put behind what the views have by then.
DO $$
BEGIN
  EXECUTE 'CREATE OR REPLACE VIEW stuck_entity AS ' || rtrim(pg_get_viewdef('stuck_entity'::regclass), '; ') || $view$
    UNION ALL SELECT 'broadcast'::entity_kind, b.id, b.status::text, s.since, l.seconds, b.shard, b.version, b.attempts, b.last_error, b.quarantine,
                     b.wake_at, b.updated_at
    FROM broadcast b JOIN stuck_limit l ON l.kind = 'broadcast' AND l.status = b.status::text AND b.created_at <= now() - l.seconds * interval '1 second'
    CROSS JOIN LATERAL (SELECT coalesce(max(t.at), b.created_at) AS since FROM transition t
                        WHERE t.id = b.id AND t.kind = 'broadcast' AND t.from_status <> t.to_status) s
    WHERE b.wake_at IS NOT NULL AND b.quarantine = '' AND s.since <= now() - l.seconds * interval '1 second'$view$;
  EXECUTE 'CREATE OR REPLACE VIEW quarantined_entity AS ' || rtrim(pg_get_viewdef('quarantined_entity'::regclass), '; ') || $view$
    UNION ALL SELECT 'broadcast'::entity_kind, b.id, b.status::text, b.shard, b.version, b.quarantine, t.at, t.note
    FROM broadcast b LEFT JOIN LATERAL (SELECT at, note FROM transition t WHERE t.id = b.id AND t.kind = 'broadcast' AND t.message = 'quarantined'
                                        ORDER BY t.version DESC LIMIT 1) t ON true
    WHERE b.quarantine <> ''$view$;
END $$;

CREATE INDEX broadcast_quarantine ON broadcast (id) WHERE quarantine <> '';

-- The predecessor had one row per channel, with the posts of its schedule and the owner's counted together.
CREATE OR REPLACE VIEW legacy.broadcast_manager AS
  SELECT legacy.uuid_of('broadcast/' || c.id) AS id, legacy.uuid_of('owner/' || c.owner_chat_id) AS client_id, c.open_channel_id::text AS open_channel_id,
         c.closed_channel_id::text AS closed_channel_id, b.last_sent AS last_sent_time, least(c.offer_due_at, c.donation_due_at) AS next_send_time,
         CASE WHEN b.working > 0 THEN 'in_progress' WHEN b.last_status IN ('failed', 'refused') THEN 'failed' WHEN b.done > 0 THEN 'completed'
              WHEN c.offer_message_id <> 0 THEN 'completed' ELSE 'pending' END AS broadcast_status,
         coalesce(b.total, 0)::integer AS total_broadcasts, coalesce(b.done, 0)::integer AS successful_broadcasts,
         coalesce(b.failed, 0)::integer AS failed_broadcasts, coalesce(nullif(b.last_reason, ''), nullif(c.last_error, '')) AS last_error_message,
         c.status <> 'closed' AS is_active, c.created_at, c.updated_at, nullif(c.offer_message_id, 0) AS last_open_message_id,
         b.offer_sent AS last_open_message_sent_at, nullif(c.donation_message_id, 0) AS last_closed_donation_message_id,
         b.donation_sent AS last_closed_donation_sent_at, c.manual_at AS last_manual_trigger_time
  FROM channel c LEFT JOIN LATERAL (
    SELECT count(*) AS total, count(*) FILTER (WHERE x.status = 'completed') AS done,
           count(*) FILTER (WHERE x.status IN ('failed', 'refused')) AS failed, count(*) FILTER (WHERE x.ended_at IS NULL) AS working,
           max(x.ended_at) FILTER (WHERE x.sent > 0) AS last_sent,
           max(x.ended_at) FILTER (WHERE x.what = 'offer' AND x.sent > 0) AS offer_sent,
           max(x.ended_at) FILTER (WHERE x.what = 'donation' AND x.sent > 0) AS donation_sent,
           (array_agg(x.status::text ORDER BY x.started_at DESC))[1] AS last_status,
           (array_agg(x.reason ORDER BY x.started_at DESC))[1] AS last_reason
    FROM broadcast x WHERE x.channel_id = c.open_channel_id) b ON true;
