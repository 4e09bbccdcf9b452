-- The bot joins a web account with the Telegram user who followed its link and confirmed it.
ALTER TYPE conversation_view ADD VALUE 'confirm_link';
ALTER TYPE conversation_errand ADD VALUE 'claim_link';
ALTER TYPE conversation_errand ADD VALUE 'join_account';
