-- The nonce alarm and its way back (spec 2, 5): nonces of ours that the chain has used by transactions that we do not know, each explained
-- once by the operator; the transfers that wait for that; and the gas float as the wallet weighs it.
ALTER TABLE wallet
  ADD chain_nonce bigint NOT NULL DEFAULT 0 CHECK (chain_nonce >= 0),
  ADD sign_off_nonce bigint NOT NULL DEFAULT -1 CHECK (sign_off_nonce >= -1),
  ADD sign_off_reason text NOT NULL DEFAULT '',
  ADD books_for text NOT NULL DEFAULT '',
  ADD ledger_eth numeric(38,18) NOT NULL DEFAULT 0,
  ADD owed_eth numeric(38,18) NOT NULL DEFAULT 0,
  ADD incoming_eth numeric(38,18) NOT NULL DEFAULT 0,
  ADD owed_usdt numeric(38,18) NOT NULL DEFAULT 0,
  ADD gas_float_eth numeric(38,18) NOT NULL DEFAULT 0,
  ADD float_alert text NOT NULL DEFAULT '';
-- A wallet that was not paused had seen no nonce beyond its own.
UPDATE wallet SET chain_nonce = next_nonce;

CREATE TABLE wallet_foreign (
  key text PRIMARY KEY CHECK (key <> ''),
  wallet text NOT NULL REFERENCES wallet (id),
  nonce bigint NOT NULL CHECK (nonce >= 0),
  asked_hash text NOT NULL,
  asked_intent text NOT NULL,
  asked_reason text NOT NULL,
  refusal text NOT NULL,
  hash text NOT NULL,
  intent text NOT NULL,
  reason text NOT NULL,
  recipient text NOT NULL,
  value_eth numeric(38,18) NOT NULL CHECK (value_eth >= 0),
  data text NOT NULL,
  reverted boolean NOT NULL,
  block_number bigint NOT NULL CHECK (block_number >= 0),
  gas_used bigint NOT NULL CHECK (gas_used >= 0),
  gas_fee_eth numeric(38,18) NOT NULL CHECK (gas_fee_eth >= 0),
  explained_at timestamptz,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  UNIQUE (wallet, nonce),
  CONSTRAINT explained_has_hash CHECK (explained_at IS NULL OR hash <> '')
);
-- One transaction is one intent, and an intent was carried out once.
CREATE UNIQUE INDEX wallet_foreign_intent ON wallet_foreign (intent) WHERE intent <> '';

CREATE FUNCTION wallet_foreign_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'nonce %: it stays listed', OLD.nonce USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.explained_at IS NOT NULL AND (NEW.hash, NEW.intent, NEW.explained_at) IS DISTINCT FROM (OLD.hash, OLD.intent, OLD.explained_at) THEN
    RAISE EXCEPTION 'nonce %: it is explained once', OLD.nonce USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER wallet_foreign_guard BEFORE UPDATE OR DELETE ON wallet_foreign FOR EACH ROW EXECUTE FUNCTION wallet_foreign_guard();

ALTER TABLE wallet_transfer
  ADD held text NOT NULL DEFAULT '',
  DROP CONSTRAINT signed_has_bytes,
  -- A transfer that an explained transaction carried out was signed by a program whose bytes are lost.
  ADD CONSTRAINT signed_has_bytes CHECK (status IN ('queued', 'prepared', 'dropped') OR (hash <> '' AND (raw <> '' OR status = 'confirmed')));

-- As in sql/0100, with the one way back for a transfer that has a nonce: the nonce was finally used by another transaction, and the operator
-- has explained it as none of ours.
CREATE OR REPLACE FUNCTION wallet_transfer_forward() RETURNS trigger LANGUAGE plpgsql AS $$
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
  IF NEW.status = 'dropped' AND OLD.status NOT IN ('queued', 'dropped')
     AND NOT EXISTS (SELECT FROM wallet_foreign f WHERE f.wallet = OLD.wallet AND f.nonce = OLD.nonce AND f.explained_at IS NOT NULL
                     AND f.intent = '') THEN
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
