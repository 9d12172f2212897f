/** The emulator's SQLite database. WAL mode: acknowledged writes survive a killed process. */
import { closeSync, existsSync, openSync } from 'node:fs'

import Database from 'better-sqlite3'

export type EmulatorDatabase = Database.Database

/** Table of the webhook outbox. Directories of earlier versions contain it under this name. */
export const OUTBOX_TABLE = 'notices' // word-ok: see above

const TABLES = `
  CREATE TABLE IF NOT EXISTS videos (
    uid TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    upload_id TEXT NOT NULL UNIQUE,
    creator TEXT,
    meta TEXT NOT NULL,
    allowed_origins TEXT NOT NULL,
    require_signed_urls INTEGER NOT NULL,
    scheduled_deletion INTEGER,
    thumbnail_timestamp_pct REAL NOT NULL,
    public_details TEXT NOT NULL,
    max_duration_seconds INTEGER NOT NULL,
    upload_expiry INTEGER NOT NULL,
    upload_length INTEGER,
    upload_metadata TEXT,
    created_us INTEGER NOT NULL UNIQUE,
    changed_at INTEGER NOT NULL,
    received_at INTEGER,
    finishes_at INTEGER,
    size_bytes INTEGER,
    media TEXT,
    stored_seconds INTEGER,
    watermark TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS videos_by_creator ON videos (creator, created_us);
  CREATE INDEX IF NOT EXISTS videos_by_deletion ON videos (scheduled_deletion)
    WHERE scheduled_deletion IS NOT NULL;
  CREATE INDEX IF NOT EXISTS videos_waiting ON videos (created_us) WHERE received_at IS NULL;
  CREATE INDEX IF NOT EXISTS videos_by_lapse ON videos (upload_expiry) WHERE received_at IS NULL; -- word-ok: stored
  CREATE INDEX IF NOT EXISTS videos_unread ON videos (uid) WHERE received_at IS NOT NULL AND media IS NULL;
  CREATE INDEX IF NOT EXISTS videos_by_finish ON videos (finishes_at)
    WHERE finishes_at IS NOT NULL;

  CREATE TABLE IF NOT EXISTS ${OUTBOX_TABLE} (
    uid TEXT PRIMARY KEY,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS notices_by_time ON ${OUTBOX_TABLE} (due_at); -- word-ok: stored

  -- Files that are being read. What is still here after a restart ended the process that read it.
  CREATE TABLE IF NOT EXISTS media_readings (uid TEXT PRIMARY KEY) STRICT;

  CREATE TABLE IF NOT EXISTS watermarks (
    uid TEXT PRIMARY KEY,
    created_us INTEGER NOT NULL,
    profile TEXT NOT NULL
  ) STRICT;

  -- Keys of playback tokens. Only the emulator's own key has a private key.
  CREATE TABLE IF NOT EXISTS signing_keys (
    id TEXT PRIMARY KEY,
    public_pem TEXT NOT NULL,
    private_pem TEXT,
    created INTEGER NOT NULL
  ) STRICT;

  -- One row each: the account's webhook, and how far its clock is ahead.
  CREATE TABLE IF NOT EXISTS webhook (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    notification_url TEXT NOT NULL,
    secret TEXT NOT NULL,
    modified INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS clock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    offset_ms INTEGER NOT NULL
  ) STRICT;
`

/**
 * Milliseconds for which a statement waits for another process's lock. Short, because the wait
 * blocks the thread, which may be the gateway's.
 */
const LOCK_WAIT_MS = 20

/**
 * Opens or creates the database and its tables. Only the owner may read the file, because it
 * contains the webhook's secret and a signing key. SQLite gives its WAL the mode of the file.
 */
export function openDatabase(path: string): EmulatorDatabase {
  const isOnDisk = path !== ':memory:'
  if (isOnDisk && !existsSync(path)) closeSync(openSync(path, 'wx', 0o600))
  const database = new Database(path, { timeout: LOCK_WAIT_MS })
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = NORMAL')
  database.exec(TABLES)
  addWatermarkColumn(database)
  return database
}

/** Directories of earlier versions have the table `videos` without this column. */
function addWatermarkColumn(database: EmulatorDatabase): void {
  const column = database
    .prepare<[], { name: string }>(
      `SELECT name FROM pragma_table_info('videos') WHERE name = 'watermark'`,
    )
    .get()
  if (column === undefined) database.exec('ALTER TABLE videos ADD COLUMN watermark TEXT')
}

/** Returns the saved clock offset of the last run in milliseconds; 0 without one. */
export function readClockOffset(database: EmulatorDatabase): number {
  const row = database
    .prepare<[], { offset_ms: number }>('SELECT offset_ms FROM clock WHERE one = 1')
    .get()
  return row?.offset_ms ?? 0
}

export function saveClockOffset(database: EmulatorDatabase, offsetMs: number): void {
  database.prepare('INSERT OR REPLACE INTO clock (one, offset_ms) VALUES (1, ?)').run(offsetMs)
}
