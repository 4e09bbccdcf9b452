-- Accounts, names and sessions among the quarantined. After 0210: a new label of an enum can be used only when it is committed. Each kind that is
-- added is put behind what the view has by then.
DO $$
DECLARE
  added text;
BEGIN
  FOREACH added IN ARRAY ARRAY['account', 'login_name', 'session'] LOOP
    EXECUTE 'CREATE OR REPLACE VIEW quarantined_entity AS ' || rtrim(pg_get_viewdef('quarantined_entity'::regclass), '; ') || format($view$
      UNION ALL SELECT %1$L::entity_kind, x.id, x.status::text, x.shard, x.version, x.quarantine, t.at, t.note
      FROM %1$I x LEFT JOIN LATERAL (SELECT at, note FROM transition t WHERE t.id = x.id AND t.kind = %1$L AND t.message = 'quarantined'
                                     ORDER BY t.version DESC LIMIT 1) t ON true
      WHERE x.quarantine <> ''$view$, added);
    EXECUTE format('CREATE INDEX %1$s_quarantine ON %1$I (id) WHERE quarantine <> ''''', added);
  END LOOP;
END $$;
