-- Subscriptions and accounts among the stuck: by what they owe, and since when. After 0250: a new label of an enum can be used only when it is
-- committed. Names and sessions owe nothing.
CREATE INDEX subscription_owing ON subscription (access_at)
  WHERE access IN ('inviting', 'admitting', 'looking', 'judging', 'comparing', 'banning', 'unbanning');
CREATE INDEX account_owing ON account (id) WHERE owed_mails <> '' OR owed_names <> '';

DO $$
BEGIN
  EXECUTE 'CREATE OR REPLACE VIEW stuck_entity AS ' || rtrim(pg_get_viewdef('stuck_entity'::regclass), '; ') || $view$
    UNION ALL SELECT 'subscription'::entity_kind, x.id, x.access::text, x.access_at, l.seconds, x.shard, x.version, x.attempts, x.last_error,
                     x.quarantine, x.wake_at, x.updated_at
    FROM subscription x JOIN stuck_limit l ON l.kind = 'subscription' AND l.status = x.access::text
                                           AND x.access_at <= now() - l.seconds * interval '1 second'
    WHERE x.access IN ('inviting', 'admitting', 'looking', 'judging', 'comparing', 'banning', 'unbanning') AND x.quarantine = ''
    UNION ALL SELECT 'account'::entity_kind, x.id, x.status::text, s.since, l.seconds, x.shard, x.version, x.attempts, x.last_error, x.quarantine,
                     x.wake_at, x.updated_at
    FROM account x JOIN stuck_limit l ON l.kind = 'account' AND l.status = 'owing' AND x.created_at <= now() - l.seconds * interval '1 second'
    CROSS JOIN LATERAL (
      -- Its last step of any kind: a mail that went out is progress, a failure that is written down is none.
      SELECT coalesce(max(t.at), x.created_at) AS since FROM transition t WHERE t.id = x.id AND t.kind = 'account' AND t.message <> 'effect_failed'
    ) s
    WHERE (x.owed_mails <> '' OR x.owed_names <> '') AND x.quarantine = '' AND s.since <= now() - l.seconds * interval '1 second'$view$;
END $$;

-- What conversations hold now, with those about an owner's promo codes.
CREATE OR REPLACE VIEW legacy.conversation_state AS
  SELECT c.user_id, CASE WHEN c.status IN ('opening', 'editing', 'entering', 'finding', 'verifying', 'saving', 'settling', 'entering_promo',
                                          'setting_promo', 'disabling_promo') THEN 'database'
                         WHEN c.status IN ('addressing', 'writing_post', 'confirming_post', 'claiming_post', 'posting') THEN 'broadcast'
                         WHEN c.tier = -1 THEN 'donation' WHEN c.order_id <> '' THEN 'payment' ELSE 'menu' END AS conversation_type,
         jsonb_build_object('status', c.status, 'channel_id', c.channel_id, 'channel_title', c.channel_title, 'tier', c.tier, 'price_usd',
                            trim_scale(c.price_usd)::text, 'days', c.days, 'order_id', c.order_id, 'amount', c.amount, 'field', c.field,
                            'editing', CASE WHEN d.open THEN d.open_channel_id END) AS state_data,
         c.created_at, c.updated_at
  FROM conversation c LEFT JOIN channel_draft d ON d.conversation_id = c.id;
