-- What operators decide about payments (spec 3.6): accepted, or refunded by a payout of their own.

CREATE TYPE payment_decision AS ENUM ('none', 'accepted', 'refunded');

ALTER TABLE payment
  ADD decision payment_decision NOT NULL DEFAULT 'none',
  ADD decided_at timestamptz,
  ADD decision_reason text NOT NULL DEFAULT '',
  ADD refunds integer NOT NULL DEFAULT 0 CHECK (refunds >= 0),
  ADD refund_ticker text NOT NULL DEFAULT '',
  ADD refund_network text NOT NULL DEFAULT '',
  ADD refund_address text NOT NULL DEFAULT '',
  ADD refund_extra_id text NOT NULL DEFAULT '',
  ADD refund_started_at timestamptz,
  ADD refund_told_at timestamptz,
  ADD CONSTRAINT decision_has_time_and_reason CHECK (decision = 'none' OR (decided_at IS NOT NULL AND decision_reason <> '')),
  ADD CONSTRAINT started_refund_has_address CHECK (refund_started_at IS NULL OR (refunds > 0 AND refund_address <> ''));

ALTER TABLE deposit
  ADD refund_id text NOT NULL DEFAULT '',
  ADD by_hand boolean NOT NULL DEFAULT false,
  -- Given to the owner or given back, never both.
  ADD CONSTRAINT refunded_or_paid_out CHECK (refund_id = '' OR payout_id = ''),
  ADD CONSTRAINT refunded_is_not_shared CHECK (refund_id = '' OR (fee_eth = 0 AND net_eth = 0));
CREATE INDEX deposit_refund ON deposit (refund_id) WHERE refund_id <> '';
