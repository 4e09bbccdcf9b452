-- Money out is exactly once, part two. A wallet loads every transfer that its requester has not acknowledged, and the lately
-- acknowledged ones; should that contract ever be broken and an intent be taken for a new one, the row of the first one must win. So: a status never goes back, a nonce once given stays,
-- nothing with a nonce is dropped, a final row never changes but for the acknowledgement, and that is never taken back.
-- The enum's order is the order of life: queued < prepared < signed < broadcast < confirmed < reverted < dropped.
CREATE FUNCTION wallet_transfer_forward() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  old_final boolean := OLD.status IN ('confirmed', 'reverted', 'dropped');
BEGIN
  IF NEW.status < OLD.status THEN
    RAISE EXCEPTION 'transfer %: % does not go back to %', OLD.intent, OLD.status, NEW.status USING ERRCODE = 'check_violation';
  END IF;
  IF old_final AND (NEW.status, NEW.nonce, NEW.hash, NEW.gas_used, NEW.gas_fee_eth, NEW.memo)
       IS DISTINCT FROM (OLD.status, OLD.nonce, OLD.hash, OLD.gas_used, OLD.gas_fee_eth, OLD.memo) THEN
    RAISE EXCEPTION 'transfer %: % is final', OLD.intent, OLD.status USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.nonce >= 0 AND NEW.nonce <> OLD.nonce THEN
    RAISE EXCEPTION 'transfer %: nonce % never changes', OLD.intent, OLD.nonce USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.status = 'dropped' AND OLD.status NOT IN ('queued', 'dropped') THEN
    RAISE EXCEPTION 'transfer %: it has a nonce and cannot be dropped', OLD.intent USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.memo <> OLD.memo THEN
    RAISE EXCEPTION 'transfer %: the account that pays never changes', OLD.intent USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.acknowledged_at IS NOT NULL AND NOT old_final) OR (OLD.acknowledged_at IS NOT NULL AND NEW.acknowledged_at IS DISTINCT FROM OLD.acknowledged_at) THEN
    RAISE EXCEPTION 'transfer %: only a final transfer is acknowledged, and once', OLD.intent USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER wallet_transfer_forward BEFORE UPDATE ON wallet_transfer FOR EACH ROW EXECUTE FUNCTION wallet_transfer_forward();

-- Deleting a transfer would forget that it was paid.
CREATE FUNCTION wallet_transfer_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'transfer %: transfers are never deleted', OLD.intent USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER wallet_transfer_kept BEFORE DELETE ON wallet_transfer FOR EACH ROW EXECUTE FUNCTION wallet_transfer_kept();
