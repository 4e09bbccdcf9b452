-- A payout may give a subscriber's money back (spec 3.6): it spends what lies undecided, no owner's balance, and has no accrual.
ALTER TABLE payout ADD refund boolean NOT NULL DEFAULT false;
