-- Membership for many nodes. A node renews one row, its own, however many shards it holds; its leases last as long as its membership.

ALTER TABLE node
  ADD COLUMN name text NOT NULL DEFAULT '',          -- node.name; the peer's certificate says it.
  ADD COLUMN address text NOT NULL DEFAULT '',       -- host:port that other nodes dial; empty: no cluster door.
  ADD COLUMN caf_node text NOT NULL DEFAULT '',      -- CAF's node id.
  ADD COLUMN state_version smallint NOT NULL DEFAULT 1, -- The newest row layout that it understands.
  ADD COLUMN draining boolean NOT NULL DEFAULT false,
  ADD COLUMN expires_at timestamptz NOT NULL DEFAULT '-infinity',
  ADD COLUMN dead_at timestamptz;                    -- When another node declared it dead, to take its shards.
UPDATE node n SET expires_at = coalesce((SELECT max(l.expires_at) FROM shard_lease l WHERE l.node = n.identity), n.seen_at);
-- Identities that lost everything before there was a word for it.
UPDATE node n SET dead_at = now() WHERE left_at IS NULL AND NOT EXISTS (SELECT FROM shard_lease l WHERE l.node = n.identity);
ALTER TABLE node SET (fillfactor = 25);
ALTER TABLE shard_lease DROP COLUMN expires_at;

-- Of those that live none is mistaken for another: not by its certificate's name, not by CAF's network layer.
CREATE UNIQUE INDEX node_name ON node (name) WHERE dead_at IS NULL AND left_at IS NULL AND name <> '';
CREATE UNIQUE INDEX node_caf_node ON node (caf_node) WHERE dead_at IS NULL AND left_at IS NULL AND caf_node <> '';

-- An identity that was declared dead, or left, never returns.
CREATE FUNCTION node_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.dead_at IS NOT NULL OR OLD.left_at IS NOT NULL OR NEW.identity <> OLD.identity THEN
    RAISE EXCEPTION 'the identity % has ended', OLD.identity USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER node_guard BEFORE UPDATE ON node FOR EACH ROW EXECUTE FUNCTION node_guard();

CREATE OR REPLACE FUNCTION shard_lease_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.shard <> OLD.shard OR NEW.epoch < OLD.epoch OR (NEW.node IS DISTINCT FROM OLD.node AND NEW.epoch = OLD.epoch) THEN
    RAISE EXCEPTION 'shard %: a new holder needs a higher epoch', OLD.shard USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.node IS DISTINCT FROM OLD.node
     AND EXISTS (SELECT FROM node WHERE identity = NEW.node AND (dead_at IS NOT NULL OR left_at IS NOT NULL)) THEN
    RAISE EXCEPTION 'shard %: the identity % has ended', OLD.shard, NEW.node USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

-- One row. Whoever changes members or holders raises `changes` first: that row's lock lets one at a time do so, and everybody else sees by
-- the number alone that there is something to read. `state_version`: the newest row layout that may have been written.
CREATE TABLE cluster_state (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  changes bigint NOT NULL DEFAULT 0,
  state_version smallint NOT NULL DEFAULT 1
);
INSERT INTO cluster_state DEFAULT VALUES;

-- A lease lasts as long as its holder's membership: `l.expires_at` of a row `l` of shard_lease.
CREATE FUNCTION expires_at(lease shard_lease) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT expires_at FROM node WHERE identity = lease.node AND dead_at IS NULL AND left_at IS NULL), '-infinity')
$$;
