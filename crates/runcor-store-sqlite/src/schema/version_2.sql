-- Notes on version 2:
-- - `journal` has intents: `at` and `outcome` are NULL until there is an
--   answer. `value` is the result or the failure. Where `bytes` is set, the
--   value is a result so large that reads of a whole journal leave it out.
-- - `unpacked` is the instant of an end after which the journal can be packed.
--   Packing moves its rows into one of `packs`, those with `bytes` excepted,
--   and compresses the values of these: they are BLOBs then.
-- - `origin` is JSON of the caller and the fork; `parent` is the caller's id once more, for lists.
-- - In version 1 a resume answered the next wait that the handler came to. In
--   version 2 the answer stands in the journal: a wait that is under way is
--   told its place there, and an answer that was not yet read is put into it.
ALTER TABLE executions ADD COLUMN parent BLOB;
ALTER TABLE executions ADD COLUMN origin TEXT;
ALTER TABLE executions ADD COLUMN unpacked INTEGER;
CREATE INDEX executions_parent ON executions (parent, state) WHERE parent IS NOT NULL;
CREATE INDEX executions_ended  ON executions (completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX executions_unpacked ON executions (unpacked) WHERE unpacked IS NOT NULL;
CREATE TABLE packs (
  number INTEGER PRIMARY KEY,
  body   BLOB NOT NULL
) STRICT;
ALTER TABLE journal RENAME TO journal_1;
DROP INDEX journal_path;
CREATE TABLE journal (
  entry    INTEGER PRIMARY KEY,
  number   INTEGER NOT NULL,
  path     TEXT    NOT NULL,
  kind     TEXT    NOT NULL,
  request  BLOB,
  attempts INTEGER NOT NULL,
  begun    INTEGER NOT NULL,
  note     TEXT,
  at       INTEGER,
  outcome  INTEGER,
  spend    TEXT,
  reused   INTEGER NOT NULL,
  bytes    INTEGER,
  value    ANY
) STRICT;
CREATE UNIQUE INDEX journal_path ON journal (number, path);
INSERT INTO journal
  SELECT entry, number, path, kind, NULL, 1, at, NULL, at, 0, NULL, 0,
    CASE WHEN octet_length(value) > 4096 THEN octet_length(value) END, value
  FROM journal_1 ORDER BY entry;
DROP TABLE journal_1;
UPDATE executions SET unpacked = completed_at
  WHERE completed_at IS NOT NULL AND number IN (SELECT number FROM journal);
CREATE TEMP TABLE next_waits AS
  SELECT number, state,
    'wait#' || (1 + (SELECT count(*) FROM journal
      WHERE journal.number = executions.number AND path GLOB 'wait#*')) AS path,
    resumes > (SELECT count(*) FROM journal
      WHERE journal.number = executions.number AND kind = 'wait') AS has_answer,
    coalesce(active_since, due, started_at, queued_at) AS resumed_at
  FROM executions WHERE state IN (1, 2, 3);
UPDATE executions SET wait = json_set(wait, '$.path', next_waits.path) FROM next_waits
  WHERE executions.number = next_waits.number AND executions.state = 2;
INSERT INTO journal (number, path, kind, attempts, begun, at, outcome, reused, bytes, value)
  SELECT number, path, 'wait', 1, resumed_at, resumed_at, 0, 0,
    CASE WHEN octet_length(answer) > 4096 THEN octet_length(answer) END, answer
  FROM (SELECT next_waits.*, coalesce(resume_data, 'null') AS answer
    FROM next_waits JOIN executions USING (number) WHERE next_waits.state <> 2 AND has_answer);
DROP TABLE next_waits;
