-- What operators did, in full: who, from where, what they asked for, and what came of it. A row of audit_log is written before a verb takes
-- effect, its row of audit_result after it; one without a result was cut off, and whether it took effect is to be looked up.

ALTER TABLE audit_log ADD source text NOT NULL DEFAULT '';

CREATE TABLE audit_result (
  audit bigint PRIMARY KEY REFERENCES audit_log (id),
  at timestamptz NOT NULL DEFAULT now(),
  code text NOT NULL, -- "done", or the refusal's word
  text text NOT NULL
);
CREATE TRIGGER audit_result_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_result
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE VIEW audit_trail AS
  SELECT a.id, a.at, a.operator, a.source, a.verb, CASE WHEN a.kind IS NULL THEN a.entity_id ELSE a.kind::text || '/' || a.entity_id END AS target,
         a.detail AS arguments, a.reason, r.at AS ended_at, coalesce(r.code, '') AS result, coalesce(r.text, '') AS result_text
  FROM audit_log a LEFT JOIN audit_result r ON r.audit = a.id;

-- What a person has resolved stays so: a later failure is a row of its own.
CREATE FUNCTION failed_transaction_resolved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.resolved_at IS NOT NULL THEN
    RAISE EXCEPTION 'failure %: it is resolved', OLD.id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER failed_transaction_resolved BEFORE UPDATE ON failed_transaction FOR EACH ROW EXECUTE FUNCTION failed_transaction_resolved();
