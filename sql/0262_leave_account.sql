-- The bot shows the web accounts that are joined with a Telegram user, and undoes it.
ALTER TYPE conversation_query ADD VALUE 'accounts';
ALTER TYPE conversation_errand ADD VALUE 'leave_account';
CREATE INDEX account_telegram_user ON account (telegram_user_id) WHERE telegram_user_id <> 0;
