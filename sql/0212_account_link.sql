-- The bot joins a web account with the Telegram user who followed its link and confirmed it.
ALTER TABLE account ADD link_user_id bigint NOT NULL DEFAULT 0;
ALTER TYPE conversation_view ADD VALUE 'confirm_link';
ALTER TYPE conversation_errand ADD VALUE 'claim_link';
ALTER TYPE conversation_errand ADD VALUE 'join_account';
