-- An instant payout goes where its owner is paid when the coins have come, not where that was at the order's time.
ALTER TABLE payment ADD owner_account text NOT NULL DEFAULT '', ADD payout_place_at timestamptz;
-- A joined name means a join.
UPDATE account SET telegram_name = '' WHERE telegram_user_id = 0 AND telegram_name <> '';
-- The same as account_telegram.
DROP INDEX account_telegram_user;
