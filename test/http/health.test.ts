/** `/healthz` and `/readyz`: statuses, and reasons that tell the operator how to fix the problem. */
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Handler } from '../../src/http/handler.ts'
import {
  type Readiness,
  createReadinessHandler,
  healthHandler,
} from '../../src/http/monitoring/health.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'

const ADDRESS = 'http://127.0.0.1:4000/readyz'

/** Failures that the readiness handler reports. */
interface Failures extends Partial<Readiness> {
  readonly draining?: boolean
  readonly databaseClosed?: boolean
}

/** Creates the `/readyz` handler on a real database. */
async function createReadyHandler(failures: Failures = {}) {
  const messages: string[] = []
  const record = (_fields: object, message: string): void => void messages.push(message)
  const store = createSqliteStore(':memory:')
  if (failures.databaseClosed === true) await store.close()
  else onTestFinished(() => store.close())
  const closing = failures.draining === true ? AbortSignal.abort() : new AbortController().signal
  const log = { debug: record, info: record, warn: record, error: record }
  const handler = createReadinessHandler(
    { store, closing, log },
    { streamUnavailable: () => Promise.resolve(null), ...failures },
  )
  return { handler, messages }
}

async function call(handler: Handler, method = 'GET') {
  const response = await handler(new Request(ADDRESS, { method }))
  return { status: response.status, headers: [...response.headers], text: await response.text() }
}

describe('/readyz', () => {
  it('responds 200 if all dependencies are available', async () => {
    const { handler } = await createReadyHandler()
    expect(await call(handler)).toMatchObject({ status: 200, text: '{"status":"ready"}' })
  })

  it.each<[name: string, failures: Failures, reason: RegExp]>([
    ['the database is unavailable', { databaseClosed: true }, /database.*DATABASE_URL/],
    ['the gateway drains', { draining: true }, /draining/],
    [
      'every request is rejected',
      { overload: () => 'The gateway has rejected every request for 6 seconds.' },
      /^The gateway has rejected every request for 6 seconds\.$/,
    ],
    [
      'Stream is unavailable',
      { streamUnavailable: () => Promise.resolve('Stream refuses the token: renew it.') },
      /^Stream refuses the token: renew it\.$/,
    ],
    [
      'reading the availability of Stream fails',
      { streamUnavailable: () => Promise.reject(new Error('no')) },
      /Stream.*See the log/,
    ],
  ])('responds 503 with the reason if %s', async (_name, failures, reason) => {
    const { handler } = await createReadyHandler(failures)
    const { status, text } = await call(handler)
    expect({ status, body: JSON.parse(text) }).toEqual({
      status: 503,
      body: { status: 'not ready', reasons: [expect.stringMatching(reason)] },
    })
  })

  it('reports all reasons together', async () => {
    const { handler, messages } = await createReadyHandler({
      databaseClosed: true,
      draining: true,
      streamUnavailable: () => Promise.resolve('Stream is unavailable.'),
    })
    expect(JSON.parse((await call(handler)).text)).toMatchObject({ reasons: { length: 3 } })
    expect(messages).toEqual(['database unavailable'])
  })
})

describe.each([
  ['/healthz', async () => healthHandler],
  ['/readyz', async () => (await createReadyHandler()).handler],
])('%s', (_path, createHandler) => {
  it('responds to HEAD as to GET, without the body', async () => {
    const handler = await createHandler()
    const get = await call(handler)
    expect(get.text).toContain('status')
    expect(await call(handler, 'HEAD')).toEqual({ ...get, text: '' })
  })

  it('rejects other methods', async () => {
    const { status, headers } = await call(await createHandler(), 'POST')
    expect(status).toBe(405)
    expect(headers).toContainEqual(['allow', 'GET, HEAD'])
  })
})
