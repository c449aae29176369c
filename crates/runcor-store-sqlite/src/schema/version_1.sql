-- Notes on version 1:
-- - `number` is the order of creation; it is never used twice.
-- - No tenant is `''`, since NULLs would not be equal for the unique index;
--   an identifier is never empty.
-- - `ready` is the instant from which the execution may be claimed once it
--   has no living owner; NULL when it may not.
-- - Large inputs stand in `inputs`, so that a change of status does not rewrite them.
CREATE TABLE executions (
  number        INTEGER PRIMARY KEY,
  id            BLOB    NOT NULL UNIQUE,
  flow          TEXT    NOT NULL,
  tenant        TEXT    NOT NULL,
  key           TEXT    NOT NULL,
  user          TEXT,
  session       TEXT,
  replay_of     BLOB,
  queued_at     INTEGER NOT NULL,
  timeout       INTEGER,
  wait_timeout  INTEGER,
  state         INTEGER NOT NULL,
  version       INTEGER NOT NULL,
  epoch         INTEGER NOT NULL,
  owner         BLOB,
  due           INTEGER,
  ready         INTEGER,
  retries       INTEGER NOT NULL,
  resumes       INTEGER NOT NULL,
  started_at    INTEGER,
  completed_at  INTEGER,
  active_before INTEGER NOT NULL,
  active_since  INTEGER,
  transitions   BLOB    NOT NULL,
  error         TEXT,
  wait          TEXT,
  wait_data     TEXT,
  resume_data   TEXT,
  result        TEXT,
  metadata      TEXT,
  input         TEXT
) STRICT;
CREATE UNIQUE INDEX executions_key    ON executions (key, flow, tenant);
CREATE INDEX        executions_state  ON executions (state);
CREATE INDEX        executions_flow   ON executions (flow, state);
CREATE INDEX        executions_user   ON executions (user, state) WHERE user IS NOT NULL;
CREATE INDEX        executions_tenant ON executions (tenant, state) WHERE tenant <> '';
CREATE INDEX        executions_due    ON executions (state, due) WHERE due IS NOT NULL;
CREATE INDEX        executions_ready  ON executions (owner, flow, ready) WHERE ready IS NOT NULL;
CREATE TABLE inputs (
  number INTEGER PRIMARY KEY,
  body   TEXT NOT NULL
) STRICT;
CREATE TABLE journal (
  entry  INTEGER PRIMARY KEY,
  number INTEGER NOT NULL,
  path   TEXT    NOT NULL,
  kind   TEXT    NOT NULL,
  at     INTEGER NOT NULL,
  value  TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX journal_path ON journal (number, path);
CREATE TABLE events (
  seq    INTEGER PRIMARY KEY,
  body   TEXT NOT NULL,
  result TEXT
) STRICT;
CREATE TABLE leases (
  worker BLOB PRIMARY KEY,
  until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE counters (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
