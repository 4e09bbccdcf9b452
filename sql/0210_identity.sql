-- Owners' accounts (spec 8). A name or address that must be unique is an entity that is asked for, not an index: an index would refuse a whole
-- batch of strangers' steps. Tokens and passwords are here as hashes only.
ALTER TYPE entity_kind ADD VALUE 'account';
ALTER TYPE entity_kind ADD VALUE 'login_name';
ALTER TYPE entity_kind ADD VALUE 'session';
CREATE TYPE account_status AS ENUM ('phantom', 'unverified', 'active', 'closing', 'closed');
CREATE TYPE login_name_status AS ENUM ('free', 'reserved', 'taken');
CREATE TYPE session_status AS ENUM ('open', 'closed', 'revoked', 'expired');

CREATE TABLE account (
  id text PRIMARY KEY,
  version bigint NOT NULL CHECK (version > 0),
  shard smallint NOT NULL CHECK (shard BETWEEN 0 AND 255),
  state_version smallint NOT NULL DEFAULT 1,
  wake_at timestamptz,
  attempts integer NOT NULL DEFAULT 0,
  last_error text NOT NULL DEFAULT '',
  quarantine text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  status account_status NOT NULL,
  user_name text NOT NULL,
  email text NOT NULL,
  password_hash text NOT NULL,
  pending_email text NOT NULL,
  telegram_user_id bigint NOT NULL,
  telegram_name text NOT NULL,
  login_epoch bigint NOT NULL,
  opened_at timestamptz NOT NULL,
  lapses_at timestamptz,
  last_login_at timestamptz,
  verify_token text NOT NULL,
  reset_token text NOT NULL,
  change_token text NOT NULL,
  link_token text NOT NULL,
  verify_until timestamptz,
  reset_until timestamptz,
  change_until timestamptz,
  link_until timestamptz,
  owed_names text NOT NULL,
  owed_mails text NOT NULL,
  notice_email text NOT NULL,
  mail_seq bigint NOT NULL,
  mails_at timestamptz,
  mails_asked integer NOT NULL,
  guard text NOT NULL,
  CHECK (status IN ('phantom', 'closed') OR (user_name <> '' AND email <> '' AND password_hash <> ''))
) WITH (fillfactor = 50);
CREATE INDEX account_wake ON account (wake_at) WHERE wake_at IS NOT NULL AND quarantine = '';
CREATE INDEX account_trouble ON account (id) WHERE attempts > 0 OR last_error <> '' OR quarantine <> '';
CREATE INDEX account_telegram ON account (telegram_user_id) WHERE telegram_user_id <> 0;

CREATE TABLE login_name (
  id text PRIMARY KEY,
  version bigint NOT NULL CHECK (version > 0),
  shard smallint NOT NULL CHECK (shard BETWEEN 0 AND 255),
  state_version smallint NOT NULL DEFAULT 1,
  wake_at timestamptz,
  attempts integer NOT NULL DEFAULT 0,
  last_error text NOT NULL DEFAULT '',
  quarantine text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  status login_name_status NOT NULL,
  account_id text NOT NULL,
  until timestamptz,
  CHECK ((status = 'free') = (account_id = ''))
) WITH (fillfactor = 50);
CREATE INDEX login_name_wake ON login_name (wake_at) WHERE wake_at IS NOT NULL AND quarantine = '';
CREATE INDEX login_name_trouble ON login_name (id) WHERE attempts > 0 OR last_error <> '' OR quarantine <> '';

CREATE TABLE session (
  id text PRIMARY KEY,
  version bigint NOT NULL CHECK (version > 0),
  shard smallint NOT NULL CHECK (shard BETWEEN 0 AND 255),
  state_version smallint NOT NULL DEFAULT 1,
  wake_at timestamptz,
  attempts integer NOT NULL DEFAULT 0,
  last_error text NOT NULL DEFAULT '',
  quarantine text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  status session_status NOT NULL,
  account_id text NOT NULL,
  login_epoch bigint NOT NULL,
  generation bigint NOT NULL,
  token text NOT NULL,
  opened_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  CHECK (status <> 'open' OR token <> '')
) WITH (fillfactor = 50);
CREATE INDEX session_wake ON session (wake_at) WHERE wake_at IS NOT NULL AND quarantine = '';
CREATE INDEX session_trouble ON session (id) WHERE attempts > 0 OR last_error <> '' OR quarantine <> '';
CREATE INDEX session_account ON session (account_id) WHERE status = 'open';

-- The predecessor's dashboards: owners with an account, and those who only have a chat with the bot.
CREATE OR REPLACE VIEW legacy.registered_users AS
  SELECT legacy.uuid_of('account/' || id) AS user_id, user_name AS username, email, password_hash,
         status IN ('active', 'closing') AS is_active, status IN ('active', 'closing') AS email_verified, created_at, updated_at,
         last_login_at AS last_login
  FROM account WHERE status NOT IN ('phantom', 'closed')
  UNION ALL
  SELECT t.client_id, 'telegram:' || t.telegram_id, NULL, NULL, true, false, t.created_at, t.updated_at, NULL
  FROM legacy.client_table t
  WHERE NOT EXISTS (SELECT 1 FROM account a WHERE a.telegram_user_id = t.telegram_id AND a.status IN ('active', 'closing'));
