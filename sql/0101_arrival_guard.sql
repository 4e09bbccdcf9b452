-- A transaction on the chain brings its ETH once: two deposits that name the same one cannot both count as arrived, whatever the provider
-- says. The second is refused here, and so shown to the operator, before the ledger has ETH that the wallet has not.
CREATE UNIQUE INDEX deposit_arrived_once ON deposit (lower(payout_hash)) WHERE arrived_at IS NOT NULL AND payout_hash <> '';
