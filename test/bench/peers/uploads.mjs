/** Reads the gateway's SQLite file with one prepared statement per query, so that no peer is slower by it. */
import Database from 'better-sqlite3'

const db = new Database(process.env.DATABASE_FILE, { readonly: true })
const columns =
  'uid, status, protocol, name, created_at, expires_at, version, encoding_percent from uploads'
const byUid = db.prepare(`select ${columns} where uid = ?`)
const newest = db.prepare(
  `select ${columns} where creator = ? and uid is not null order by created_at desc, id desc limit ?`,
)

/** The fields that every server returns. */
function toUpload(row) {
  return {
    uid: row.uid,
    status: row.status,
    protocol: row.protocol,
    name: row.name,
    createdAt: new Date(row.created_at).toISOString(),
    expiresAt: new Date(row.expires_at).toISOString(),
    version: row.version,
    progress: { encodingPercent: row.encoding_percent },
  }
}

export function findUpload(uid) {
  const row = byUid.get(uid)
  return row === undefined ? null : toUpload(row)
}

export function newestUploads(creator, first) {
  return newest.all(creator, first).map(toUpload)
}
