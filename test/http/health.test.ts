/** /healthz and /readyz tell the truth, in sentences that an operator can act on. */
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Handler } from '../../src/http/handler.ts'
import {
  type Readiness,
  createReadinessHandler,
  healthHandler,
} from '../../src/http/monitoring/health.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'

const ADDRESS = 'http://127.0.0.1:4000/readyz'

/** What is wrong behind the door. */
interface Trouble extends Partial<Readiness> {
  readonly draining?: boolean
  readonly databaseClosed?: boolean
}

/** /readyz in front of a real database. */
async function readyEndpoint(trouble: Trouble = {}) {
  const logged: string[] = []
  const note = (_fields: object, message: string): void => void logged.push(message)
  const store = createSqliteStore(':memory:')
  if (trouble.databaseClosed === true) await store.close()
  else onTestFinished(() => store.close())
  const closing = trouble.draining === true ? AbortSignal.abort() : new AbortController().signal
  const log = { debug: note, info: note, warn: note, error: note }
  const endpoint = createReadinessHandler(
    { store, closing, log },
    { streamUnavailable: () => Promise.resolve(null), ...trouble },
  )
  return { door: endpoint, logged }
}

async function ask(endpoint: Handler, method = 'GET') {
  const answer = await endpoint(new Request(ADDRESS, { method }))
  return { status: answer.status, headers: [...answer.headers], text: await answer.text() }
}

describe('/readyz', () => {
  it('is 200 where everything is well', async () => {
    const { door: endpoint } = await readyEndpoint()
    expect(await ask(endpoint)).toMatchObject({ status: 200, text: '{"status":"ready"}' })
  })

  it.each<[why: string, trouble: Trouble, reason: RegExp]>([
    ['the database is away', { databaseClosed: true }, /database.*DATABASE_URL/],
    ['the gateway drains', { draining: true }, /draining/],
    [
      'every request is rejected',
      { overload: () => 'The gateway has rejected every request for 6 seconds.' },
      /^The gateway has rejected every request for 6 seconds\.$/,
    ],
    [
      'Stream is away',
      { streamUnavailable: () => Promise.resolve('Stream refuses the token: renew it.') },
      /^Stream refuses the token: renew it\.$/,
    ],
    [
      'nobody knows of Stream',
      { streamUnavailable: () => Promise.reject(new Error('no')) },
      /Stream.*see the log/,
    ],
  ])('is 503 with the reason where %s', async (_why, trouble, reason) => {
    const { door: endpoint } = await readyEndpoint(trouble)
    const { status, text } = await ask(endpoint)
    expect({ status, body: JSON.parse(text) }).toEqual({
      status: 503,
      body: { status: 'not ready', reasons: [expect.stringMatching(reason)] },
    })
  })

  it('says every reason at once', async () => {
    const { door: endpoint, logged } = await readyEndpoint({
      databaseClosed: true,
      draining: true,
      streamUnavailable: () => Promise.resolve('Stream is away.'),
    })
    expect(JSON.parse((await ask(endpoint)).text)).toMatchObject({ reasons: { length: 3 } })
    expect(logged).toEqual(['database unavailable'])
  })
})

describe.each([
  ['/healthz', async () => healthHandler],
  ['/readyz', async () => (await readyEndpoint()).door],
])('%s', (_path, open) => {
  it('answers HEAD as it does GET, without the body', async () => {
    const endpoint = await open()
    const get = await ask(endpoint)
    expect(get.text).toContain('status')
    expect(await ask(endpoint, 'HEAD')).toEqual({ ...get, text: '' })
  })

  it('takes nothing else', async () => {
    const { status, headers } = await ask(await open(), 'POST')
    expect(status).toBe(405)
    expect(headers).toContainEqual(['allow', 'GET, HEAD'])
  })
})
