-- Differences between the chain and the ledger that a person has explained (a foreign deposit, a transfer made by hand): each is booked once
-- per key and never changes. The wallet loads them all, so that a repeat is known for ever; the key of the ledger entry is the second lock.
CREATE TABLE wallet_correction (
  key text PRIMARY KEY CHECK (key <> ''),
  wallet text NOT NULL REFERENCES wallet (id),
  currency text NOT NULL CHECK (currency IN ('eth', 'usdt')),
  units numeric(38,18) NOT NULL CHECK (units <> 0),
  counter_account text NOT NULL CHECK (counter_account <> ''),
  reason text NOT NULL CHECK (reason <> ''),
  booked_at timestamptz NOT NULL,
  seq bigint GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX wallet_correction_wallet ON wallet_correction (wallet);
CREATE FUNCTION wallet_correction_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'correction %: it is booked and never changes', OLD.key USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER wallet_correction_guard BEFORE UPDATE OR DELETE ON wallet_correction FOR EACH ROW EXECUTE FUNCTION wallet_correction_guard();
CREATE TRIGGER wallet_correction_kept BEFORE TRUNCATE ON wallet_correction FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
