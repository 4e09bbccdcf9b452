-- A node that dies in the middle of an operator's verb leaves a line of the audit log without a result: for a verb over many entities that is
-- no answer at all. The line names the node that was at it, and whoever declares that node dead, or the node itself when it leaves, closes it.

ALTER TABLE audit_log ADD node text NOT NULL DEFAULT ''; -- The identity of the node that did it.
CREATE INDEX audit_log_node ON audit_log (node) WHERE node <> '';

CREATE FUNCTION close_interrupted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO audit_result (audit, code, text)
    SELECT a.id, 'interrupted', 'the node ended before it was through: how far it came is to be looked up'
    FROM audit_log a WHERE a.node = NEW.identity AND NOT EXISTS (SELECT FROM audit_result r WHERE r.audit = a.id)
    ON CONFLICT (audit) DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER close_interrupted AFTER UPDATE OF dead_at, left_at ON node FOR EACH ROW
  WHEN ((NEW.dead_at IS NOT NULL AND OLD.dead_at IS NULL) OR (NEW.left_at IS NOT NULL AND OLD.left_at IS NULL))
  EXECUTE FUNCTION close_interrupted();
