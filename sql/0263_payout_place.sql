-- An instant payout goes where its owner is paid when the coins have come, not where that was at the order's time.
ALTER TABLE payment ADD owner_account text NOT NULL DEFAULT '', ADD payout_place_at timestamptz;
