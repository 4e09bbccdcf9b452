-- What is taken over from a predecessor's database (spec 10, "import"). An opening balance is a payment that was no order of ours: its deposit and
-- its accrual are like any other's, so that it gathers and is paid out like any other.
ALTER TABLE payment ADD imported boolean NOT NULL DEFAULT false;
