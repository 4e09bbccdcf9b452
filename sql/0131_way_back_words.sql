-- New stations of payouts and conversions: a part of the daily limit is awaited, a refund, what the first of two legs bought. Alone in a file,
-- because a new word of an enum cannot be used in the transaction that adds it.
ALTER TYPE payout_status ADD VALUE 'limiting';
ALTER TYPE payout_status ADD VALUE 'refunding';
ALTER TYPE payout_status ADD VALUE 'receiving';
ALTER TYPE conversion_status ADD VALUE 'refunding';
