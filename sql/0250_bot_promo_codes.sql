-- An owner's promo codes in the bot; who waits for the bot's rights is told when they are back.

ALTER TYPE conversation_status ADD VALUE 'entering_promo';
ALTER TYPE conversation_status ADD VALUE 'setting_promo';
ALTER TYPE conversation_status ADD VALUE 'disabling_promo';
ALTER TYPE conversation_view ADD VALUE 'ask_promo';
ALTER TYPE conversation_query ADD VALUE 'promo_codes';
ALTER TYPE subscription_access ADD VALUE 'comparing';
ALTER TABLE conversation ADD promo_line text NOT NULL DEFAULT '';
ALTER TABLE channel ADD waking_after bigint, ADD waking text NOT NULL DEFAULT '';
CREATE INDEX subscription_waiting ON subscription (channel_id, user_id) WHERE trouble <> '';
