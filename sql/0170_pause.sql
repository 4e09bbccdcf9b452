-- What operators have paused. Every node reads it each second, and before it starts anything after its own start; what is paused starts no
-- new effect anywhere, messages are committed all the same. Who paused and resumed when is in audit_log.
CREATE TABLE pause (
  what text PRIMARY KEY CHECK (what = 'payouts' OR what ~ '^(kind|lane)/[a-z_]+$'),
  since timestamptz NOT NULL DEFAULT now(),
  operator text NOT NULL,
  reason text NOT NULL CHECK (reason <> '')
);
