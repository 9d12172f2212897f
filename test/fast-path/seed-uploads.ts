/** Uploads in every state, with odd names and metas, in a database file. */
import { openSqlite } from '../../src/store/sqlite/database.ts'
import { fillStore } from '../kit/fill-store.ts'
import { ODD_METAS, ODD_NAMES } from './edge-values.ts'
import type { SeededUploads } from './generated-query.ts'

const UPLOADS = 120
const CREATORS = 2
const STATUSES = ['UPLOADING', 'QUEUED', 'IN_PROGRESS', 'EXPIRED'] as const

/** Returns the uids, cursors and timestamps for generated queries. The newest upload is one second old. */
export function seedUploads(file: string, now: Date): SeededUploads {
  const newest = new Date(now.getTime() - 1000)
  const uids = fillStore(file, { uploads: UPLOADS, creators: CREATORS, newest })
  const { connection } = openSqlite(file)
  const rows = connection
    .prepare<[], { id: string; created_at: number; n: number }>(
      'select id, created_at, row_number() over (order by created_at) as n from uploads',
    )
    .all()
  const change = connection.prepare(
    'update uploads set name = ?, meta = ?, size_bytes = ?, duration_seconds = ?, encoding_percent = ?, total_bytes = ?, received_bytes = ?, scheduled_deletion = ?, allowed_origins = ?, require_signed_urls = ? where id = ?',
  )
  for (const { id, n } of rows) {
    const isEven = n % 2 === 0
    change.run(
      n % 5 === 0 ? null : ODD_NAMES[n % ODD_NAMES.length],
      ODD_METAS[n % ODD_METAS.length],
      isEven ? Number.MAX_SAFE_INTEGER : null,
      isEven ? 0.1 + 0.2 : null,
      n % 3 === 0 ? 33.3 : null,
      isEven ? 30_000_000_000 : null,
      isEven ? 0 : null,
      isEven ? now.getTime() + 40 * 86_400_000 : null,
      isEven ? '["*.example.com","x\\"y"]' : '[]',
      n % 4 < 2 ? 1 : 0,
      id,
    )
  }
  const wait = connection.prepare(
    "update uploads set status = ? where status = 'PENDING_UPLOAD' and id in (select id from uploads order by id limit ? offset ?)",
  )
  for (const [index, status] of STATUSES.entries()) wait.run(status, 20, index * 20)
  connection.close()
  const [uid = '', ...others] = uids
  const cursors = rows.map(({ id, created_at: at }) => btoa(`${at}:${id}`))
  const [cursor = '', ...otherCursors] = cursors
  const iso = (agoMs: number): string => new Date(now.getTime() - agoMs).toISOString()
  return {
    uids: [uid, ...others],
    cursors: [cursor, ...otherCursors],
    timestamps: [iso(0), iso(30_000), iso(60_500), iso(3_600_000), '2026-02-30T00:00:00Z'],
  }
}
