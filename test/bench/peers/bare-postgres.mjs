/** Practical upper limit of reading from PostgreSQL: Node's HTTP server, and one prepared statement per request. */
import { createServer } from 'node:http'
import { Pool } from 'pg'
import { listen, readBody, respond } from './listen.mjs'

// As many connections as a gateway has.
const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 })
const byUid = {
  name: 'find_by_uid',
  text: `select uid, status, protocol, name, created_at, expires_at, version, encoding_percent
    from uploads where uid = $1`,
}

/** The fields that every server returns. */
function toUpload(row) {
  return {
    uid: row.uid,
    status: row.status,
    protocol: row.protocol,
    name: row.name,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    version: row.version,
    progress: { encodingPercent: row.encoding_percent },
  }
}

listen(
  createServer((request, response) => {
    readBody(request, async (body) => {
      const { variables } = JSON.parse(body)
      const { rows } = await pool.query({ ...byUid, values: [variables.uid] })
      respond(response, { data: { upload: rows.length === 0 ? null : toUpload(rows[0]) } })
    })
  }),
)
