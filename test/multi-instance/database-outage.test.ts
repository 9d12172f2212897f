/** A database outage: requests fail fast until the database is back, and no upload is lost. */
import { createHmac } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { tokenFor } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import { createDirectUpload, expectMinted, postFile, watchUpload } from '../kit/operations.ts'
import { describeWithPostgres } from '../kit/postgres.ts'
import { findPostgres, startPostgres } from '../kit/postgres-server.ts'
import { startTwoGateways } from './setup.ts'

describeWithPostgres('two gateways while PostgreSQL is killed and started again', () => {
  it('respond 503 within seconds, then continue without losing an upload', async () => {
    const server = await startPostgres((await findPostgres()) ?? '')
    onTestFinished(() => server.remove())
    await server.createDatabase('headgate')
    const { gateways, webhookSecret } = await startTwoGateways({
      DATABASE_URL: server.url('headgate'),
    })
    const [one, other] = gateways
    const token = await tokenFor('alice')
    const { uid, uploadURL } = expectMinted(await createDirectUpload(one.as(token)))
    const states = watchUpload(other.as(token), uid)
    expect((await states.next()).value).toMatchObject({ status: 'PENDING_UPLOAD' })

    await server.kill()
    const post = (path: string, headers: Record<string, string>, body?: string) =>
      fetch(`${one.url}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, ...headers },
        ...(body === undefined ? {} : { body }),
      })
    const startedAt = performance.now()
    const query = JSON.stringify({ query: `{ upload(uid: "${uid}") { status } }` })
    const graphql = await post('/graphql', { 'content-type': 'application/json' }, query)
    expect(await graphql.json()).toMatchObject({
      errors: [
        {
          message: expect.stringContaining('database is unavailable'),
          extensions: { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 1 },
        },
      ],
    })
    const tus = await post('/tus', { 'tus-resumable': '1.0.0', 'upload-length': '1000' })
    expect([tus.status, tus.headers.get('retry-after')]).toEqual([503, '1'])
    const raw = JSON.stringify({ uid, readyToStream: true, status: { state: 'ready' } })
    const time = Math.floor(one.clock.now().getTime() / 1000)
    const digest = createHmac('sha256', webhookSecret).update(`${time}.${raw}`).digest('hex')
    const signature = `time=${time},sig1=${digest}`
    for (const path of ['/webhooks/stream', '/webhooks/stream?long']) {
      const webhook = await post(path, { 'webhook-signature': signature }, raw)
      expect([webhook.status, webhook.headers.get('retry-after')]).toEqual([503, '1'])
    }
    const ready = await fetch(`${one.url}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: 'not ready', reasons: [expect.stringContaining('database is unavailable')] },
    ])
    expect((await fetch(`${one.url}/healthz`)).status).toBe(200)
    expect(performance.now() - startedAt).toBeLessThan(3000)

    // Files go straight to Stream, which does not need the gateway's database.
    expect((await postFile(uploadURL, testcardFile())).status).toBe(200)
    await server.start()
    const statuses: unknown[] = []
    for await (const { status } of states) statuses.push(status)
    expect(statuses.at(-1)).toBe('READY')
    expect((await fetch(`${one.url}/readyz`)).status).toBe(200)
    expectMinted(await createDirectUpload(one.as(token)))
    const errors = gateways.flatMap(({ logs }) => logs.filter(({ level }) => level === 'error'))
    expect(errors.map(({ message }) => message)).not.toContain('unexpected error')
  })
})
