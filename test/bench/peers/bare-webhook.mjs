/** The minimal receiver of webhooks: verifies as Stream's documentation describes, and commits each one durably. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import Database from 'better-sqlite3'
import { listen, readBody, respond } from './listen.mjs'

const secret = process.env.STREAM_WEBHOOK_SECRET

const db = new Database(process.env.DATABASE_FILE)
// As the gateway sets them: a commit is on disk before it returns.
db.pragma('journal_mode = WAL')
db.pragma('synchronous = FULL')
db.pragma('wal_autocheckpoint = 4000')
db.exec('create table videos (uid text primary key, body text not null)')
const save = db.prepare(
  'insert into videos values (?, ?) on conflict (uid) do update set body = excluded.body',
)

listen(
  createServer((request, response) => {
    readBody(request, (body) => {
      const header = request.headers['webhook-signature'] ?? ''
      const [, time = '', signature = ''] = /^time=(\d+),sig1=([0-9a-f]{64})$/.exec(header) ?? []
      const right = createHmac('sha256', secret).update(`${time}.`).update(body).digest()
      const given = Buffer.from(signature, 'hex')
      if (given.length !== right.length || !timingSafeEqual(given, right)) {
        response.writeHead(401).end()
        return
      }
      const text = body.toString()
      const { uid } = JSON.parse(text)
      save.run(uid, text)
      respond(response, { uid })
    })
  }),
)
