-- Notes on version 3:
-- - No tenant, no user and nobody in particular are `''`, as in version 1.
-- - The names of a ledger row stand in `ledger_groups`, in four cuts: for
--   everything (0), without the user (1), all of them (2), and of the user and
--   the tenant alone (3). A row points to its groups of the cuts 2 (`grp`), 1
--   (`kind`) and 3 (`who`); names that a cut does not have are empty.
-- - `ledger_totals` has the hours (1), days (2) and months (3), UTC, of each
--   group. They keep what removed rows have added.
-- - `ledger_hours` says between which numbers the rows of an hour lie.
-- - `holds` of an account counts its reservations; `holds` of a reservation is
--   the number of the account and the amount, 8 bytes each, for each hold.
-- - A reservation that can't be read has no `lapses`: it is left to people.
-- - `entries` counts the keys of a memory, expired ones included.
CREATE TABLE ledger_groups (
  number   INTEGER PRIMARY KEY,
  cut      INTEGER NOT NULL,
  user     TEXT    NOT NULL,
  tenant   TEXT    NOT NULL,
  flow     TEXT    NOT NULL,
  provider TEXT    NOT NULL,
  model    TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX ledger_groups_names
  ON ledger_groups (cut, user, tenant, flow, provider, model);
CREATE TABLE ledger_totals (
  grp        INTEGER NOT NULL,
  level      INTEGER NOT NULL,
  start      INTEGER NOT NULL,
  cost       INTEGER NOT NULL,
  requests   INTEGER NOT NULL,
  replayed   INTEGER NOT NULL,
  unpriced   INTEGER NOT NULL,
  prompt     INTEGER NOT NULL,
  completion INTEGER NOT NULL,
  cached     INTEGER NOT NULL,
  reasoning  INTEGER NOT NULL,
  saved      INTEGER NOT NULL,
  PRIMARY KEY (grp, level, start)
) STRICT, WITHOUT ROWID;
CREATE TABLE ledger_hours (
  start INTEGER PRIMARY KEY,
  first INTEGER NOT NULL,
  last  INTEGER NOT NULL
) STRICT;
CREATE TABLE ledger (
  number     INTEGER PRIMARY KEY,
  id         BLOB    NOT NULL,
  at         INTEGER NOT NULL,
  grp        INTEGER NOT NULL,
  kind       INTEGER NOT NULL,
  who        INTEGER NOT NULL,
  execution  BLOB,
  path       TEXT,
  prompt     INTEGER NOT NULL,
  completion INTEGER NOT NULL,
  cached     INTEGER NOT NULL,
  reasoning  INTEGER NOT NULL,
  estimated  INTEGER NOT NULL,
  cost       INTEGER NOT NULL,
  outcome    INTEGER NOT NULL,
  unpriced   INTEGER NOT NULL,
  duration   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX ledger_id ON ledger (id);
CREATE INDEX ledger_time      ON ledger (at);
CREATE INDEX ledger_group     ON ledger (grp);
CREATE INDEX ledger_kind      ON ledger (kind);
CREATE INDEX ledger_execution ON ledger (execution) WHERE execution IS NOT NULL;
CREATE TABLE accounts (
  number    INTEGER PRIMARY KEY,
  scope     INTEGER NOT NULL,
  tenant    TEXT    NOT NULL,
  subject   TEXT    NOT NULL,
  window    TEXT    NOT NULL,
  since     INTEGER NOT NULL,
  until     INTEGER,
  forget    INTEGER,
  spent     INTEGER NOT NULL,
  reserved  INTEGER NOT NULL,
  topped_up INTEGER NOT NULL,
  warned    INTEGER NOT NULL,
  holds     INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX accounts_id ON accounts (scope, tenant, subject, window, since);
CREATE INDEX accounts_forget ON accounts (forget) WHERE forget IS NOT NULL;
CREATE TABLE reservations (
  id     BLOB PRIMARY KEY,
  lapses INTEGER,
  entry  TEXT NOT NULL,
  holds  BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX reservations_lapse ON reservations (lapses) WHERE lapses IS NOT NULL;
CREATE TABLE rates (
  number  INTEGER PRIMARY KEY,
  name    TEXT    NOT NULL,
  scope   TEXT    NOT NULL,
  tenant  TEXT    NOT NULL,
  subject TEXT    NOT NULL,
  expires INTEGER NOT NULL,
  window  BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX rates_key ON rates (subject, name, scope, tenant);
CREATE INDEX rates_expires    ON rates (expires);
CREATE TABLE memory_spaces (
  number  INTEGER PRIMARY KEY,
  owner   TEXT    NOT NULL,
  scope   TEXT    NOT NULL,
  tenant  TEXT    NOT NULL,
  entries INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX memory_spaces_owner ON memory_spaces (owner, scope, tenant);
CREATE TABLE memories (
  number  INTEGER PRIMARY KEY,
  space   INTEGER NOT NULL,
  key     TEXT    NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  expires INTEGER,
  version INTEGER NOT NULL,
  value   TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX memories_key     ON memories (space, key);
CREATE INDEX memories_expires        ON memories (expires) WHERE expires IS NOT NULL;
CREATE INDEX memories_space_expires  ON memories (space, expires) WHERE expires IS NOT NULL;
CREATE TABLE unevaluated (
  number INTEGER PRIMARY KEY,
  id     BLOB NOT NULL UNIQUE
) STRICT;
CREATE TABLE evaluations (
  number INTEGER PRIMARY KEY,
  id     BLOB    NOT NULL UNIQUE,
  flow   TEXT    NOT NULL,
  tenant TEXT    NOT NULL,
  at     INTEGER NOT NULL,
  body   TEXT    NOT NULL
) STRICT;
CREATE INDEX evaluations_flow   ON evaluations (flow);
CREATE INDEX evaluations_tenant ON evaluations (tenant) WHERE tenant <> '';
CREATE INDEX evaluations_at     ON evaluations (at);
CREATE TABLE flags (
  number  INTEGER PRIMARY KEY,
  id      BLOB    NOT NULL UNIQUE,
  flow    TEXT    NOT NULL,
  tenant  TEXT    NOT NULL,
  status  TEXT    NOT NULL,
  reason  TEXT    NOT NULL,
  source  TEXT    NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL
) STRICT;
CREATE INDEX flags_status ON flags (status);
CREATE INDEX flags_flow   ON flags (flow);
CREATE INDEX flags_tenant ON flags (tenant) WHERE tenant <> '';
