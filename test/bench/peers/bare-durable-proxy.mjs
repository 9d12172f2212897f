/**
 * Practical upper limit of creating uploads durably: Node's HTTP server, undici, and the same two commits as the
 * gateway, one before the request to Stream and one after its response. Writes of one tick share a commit.
 */
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import Database from 'better-sqlite3'
import { Pool } from 'undici'
import { listen, readBody, respond } from './listen.mjs'

const { origin, pathname } = new URL(process.env.STREAM_URL)
const stream = new Pool(origin, { connections: 50 })

const db = new Database(process.env.DATABASE_FILE)
// As the gateway sets them: a commit is on disk before it returns.
db.pragma('journal_mode = WAL')
db.pragma('synchronous = FULL')
db.pragma('wal_autocheckpoint = 4000')
db.exec(
  'create table uploads (id text primary key, creator text, name text, seconds integer, uid text, url text)',
)
const reserve = db.prepare('insert into uploads (id, creator, name, seconds) values (?, ?, ?, ?)')
const mint = db.prepare('update uploads set uid = ?, url = ? where id = ?')

let queue = []
const commit = db.transaction((writes) => {
  for (const { statement, values } of writes) statement.run(...values)
})

/** Executes the statement in the next transaction; resolves once it is on disk. */
function write(statement, ...values) {
  if (queue.length === 0) {
    setImmediate(() => {
      const writes = queue
      queue = []
      commit(writes)
      for (const { resolve } of writes) resolve()
    })
  }
  return new Promise((resolve) => queue.push({ statement, values, resolve }))
}

listen(
  createServer((request, response) => {
    readBody(request, async (body) => {
      const { input } = JSON.parse(body).variables
      const id = randomUUID()
      await write(reserve, id, request.headers['x-creator'], input.name, input.maxDurationSeconds)
      const streamResponse = await stream.request({
        path: `${pathname}/direct_upload`,
        method: 'POST',
        headers: { authorization: 'Bearer local-token', 'content-type': 'application/json' },
        body: JSON.stringify({ maxDurationSeconds: input.maxDurationSeconds, meta: { id } }),
      })
      const { result } = await streamResponse.body.json()
      await write(mint, result.uid, result.uploadURL, id)
      respond(response, result)
    })
  }),
)
