-- The change of a payout address is confirmed by a mail, too. The link's token is kept as its SHA-256.
ALTER TABLE channel
  ADD change_mail_token text NOT NULL DEFAULT '',
  ADD mail_owed channel_notice NOT NULL DEFAULT 'none',
  ADD mail_seq bigint NOT NULL DEFAULT 0,
  ADD mail_account text NOT NULL DEFAULT '',
  ADD CONSTRAINT mail_has_reader CHECK (mail_owed = 'none' OR mail_account <> '');
