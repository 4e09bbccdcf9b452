-- One change of a channel's terms by the API at a time, so that an ETag that was good when it was compared still is when the change is made.
CREATE UNLOGGED TABLE api_lock (
  channel text PRIMARY KEY,
  at timestamptz NOT NULL
);
