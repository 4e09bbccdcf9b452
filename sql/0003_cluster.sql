-- Which process may write which shard, and what operators did.

-- A process that took leases. An identity is made anew at each start; boot, pid namespace, pid and start time let another process of the
-- same machine prove that this one is dead.
CREATE TABLE node (
  identity text PRIMARY KEY,
  boot_id text NOT NULL,
  pid_namespace text NOT NULL,
  pid bigint NOT NULL,
  process_start bigint NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now(),
  left_at timestamptz
);

-- The lease on a shard, on the database's clock. A commit locks its shards' rows FOR KEY SHARE. The epoch is part of a unique key, so
-- raising it (a takeover) waits for those commits and they for it, while pushing expires_at (a renewal) waits for nobody.
CREATE TABLE shard_lease (
  shard smallint PRIMARY KEY CHECK (shard BETWEEN 0 AND 255),
  node text REFERENCES node (identity),
  epoch bigint NOT NULL CHECK (epoch >= 0),
  expires_at timestamptz NOT NULL,
  UNIQUE (shard, epoch)
) WITH (fillfactor = 25);
INSERT INTO shard_lease (shard, node, epoch, expires_at) SELECT shard, NULL, 0, '-infinity' FROM generate_series(0, 255) AS shard;

CREATE FUNCTION shard_lease_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.shard <> OLD.shard OR NEW.epoch < OLD.epoch OR (NEW.node IS DISTINCT FROM OLD.node AND NEW.epoch = OLD.epoch) THEN
    RAISE EXCEPTION 'shard %: a new holder needs a higher epoch', OLD.shard USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER shard_lease_guard BEFORE UPDATE ON shard_lease FOR EACH ROW EXECUTE FUNCTION shard_lease_guard();

-- Every operator verb that changed something.
CREATE TABLE audit_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  operator text NOT NULL,
  verb text NOT NULL,
  kind entity_kind,
  entity_id text,
  reason text NOT NULL CHECK (reason <> ''),
  detail jsonb NOT NULL DEFAULT '{}'
);
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
