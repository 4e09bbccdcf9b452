-- Entities in trouble are found without reading those that are well. The indexes hold only rows in trouble, and name only columns that a
-- step without trouble leaves alone: its update stays a heap-only one.
CREATE INDEX payment_trouble ON payment (id) WHERE attempts > 0 OR last_error <> '' OR quarantine <> '';
CREATE INDEX subscription_trouble ON subscription (id) WHERE attempts > 0 OR last_error <> '' OR quarantine <> '';
CREATE INDEX channel_trouble ON channel (id) WHERE attempts > 0 OR last_error <> '' OR quarantine <> '';
CREATE INDEX conversation_trouble ON conversation (id) WHERE attempts > 0 OR last_error <> '' OR quarantine <> '';
CREATE INDEX payout_trouble ON payout (id) WHERE attempts > 0 OR last_error <> '' OR quarantine <> '';
CREATE INDEX wallet_trouble ON wallet (id) WHERE attempts > 0 OR last_error <> '' OR quarantine <> '';
CREATE INDEX poller_trouble ON poller (id) WHERE attempts > 0 OR last_error <> '' OR quarantine <> '';
CREATE INDEX conversion_trouble ON conversion (id) WHERE attempts > 0 OR last_error <> '' OR quarantine <> '';
CREATE INDEX scheduler_trouble ON scheduler (id) WHERE attempts > 0 OR last_error <> '' OR quarantine <> '';
CREATE INDEX reconciliation_trouble ON reconciliation (id) WHERE attempts > 0 OR last_error <> '' OR quarantine <> '';

-- One text for failures of one cause: ids, hashes, long numbers and amounts become a star.
CREATE FUNCTION failure_group(failure text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT regexp_replace(failure, '0x[0-9a-fA-F]{6,}|[0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{8}-[0-9a-f-]{27}|-?[0-9]{5,}|[0-9]+\.[0-9]+', '*', 'g')
$$;
