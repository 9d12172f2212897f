/** Requests whose Accept header contains no media type of their result. */
import { describe, expect, it, vi } from 'vitest'
import { MAX_SUBSCRIPTIONS_PER_CALLER } from '../../src/uploads/ports/watch-registry.ts'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { scrape } from '../kit/metrics.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'

const CHANGES = 'subscription { uploadsChanged { uid } }'

async function request(
  gateway: TestGateway,
  method: 'GET' | 'POST',
  query: string,
  accept: string,
): Promise<Response> {
  const url = `${gateway.url}/graphql`
  if (method === 'GET') {
    return fetch(`${url}?query=${encodeURIComponent(query)}`, { headers: { accept } })
  }
  const headers = { accept, 'content-type': 'application/json' }
  return fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) })
}

/** Open subscriptions over HTTP. */
async function openSubscriptions(gateway: TestGateway): Promise<number> {
  const metrics = await scrape(gateway.url)
  return metrics.all('headgate_subscriptions').reduce((sum, { value }) => sum + value, 0)
}

async function expectNoneOpen(gateway: TestGateway): Promise<void> {
  await vi.waitFor(async () => expect(await openSubscriptions(gateway)).toBe(0))
}

/** Compiles the subscription: later requests of it take the fast path. */
async function warmUp(gateway: TestGateway, query: string): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const response = await request(gateway, 'POST', query, 'text/event-stream')
    expect(response.status).toBe(200)
    await response.body?.cancel()
  }
  await expectNoneOpen(gateway)
}

describe('a subscription', () => {
  it.each([
    ['POST', 'application/json'],
    ['POST', 'application/graphql-response+json'],
    ['POST', 'text/html'],
    ['POST', 'image/png'],
    ['POST', 'multipart/mixed'],
    ['POST', 'text/event-stream; charset=latin1'],
    ['GET', 'application/json'],
    ['GET', 'application/graphql-response+json'],
    ['GET', 'image/png'],
    ['GET', 'multipart/mixed'],
  ] as const)(
    'by %s with Accept: %s is rejected with 406 and is not left open',
    async (method, accept) => {
      const gateway = await startTestGateway()
      const { uid } = expectMinted(await createDirectUpload(gateway.as()))
      const status = `subscription { uploadStatus(uid: "${uid}") { status } }`
      for (const query of [CHANGES, status]) {
        const response = await request(gateway, method, query, accept)
        expect(response.status).toBe(406)
        expect(await response.json()).toMatchObject({
          errors: [
            {
              message: expect.stringContaining('text/event-stream'),
              extensions: { code: 'NOT_ACCEPTABLE' },
            },
          ],
        })
        await expectNoneOpen(gateway)
      }
    },
  )

  it.each([
    ['compiled', (_count: number) => CHANGES],
    ['never seen before', (count: number) => `${CHANGES} # ${count}`],
  ])(
    'rejected 1,001 times does not use up the limit of its caller: %s',
    { timeout: 60_000 },
    async (_kind, queryOf) => {
      const gateway = await startTestGateway()
      await warmUp(gateway, CHANGES)
      for (let count = 0; count <= MAX_SUBSCRIPTIONS_PER_CALLER; count += 7) {
        const sent = Array.from({ length: 7 }, async (_, n) => {
          const response = await request(
            gateway,
            n % 2 === 0 ? 'POST' : 'GET',
            queryOf(count + n),
            'application/json',
          )
          await response.arrayBuffer()
          return response.status
        })
        expect(new Set(await Promise.all(sent))).toEqual(new Set([406]))
      }
      await expectNoneOpen(gateway)
      const { status, headers, body } = await request(gateway, 'POST', CHANGES, 'text/event-stream')
      expect([status, headers.get('content-type')]).toEqual([
        200,
        expect.stringContaining('text/event-stream'),
      ])
      expect(await openSubscriptions(gateway)).toBe(1)
      await body?.cancel()
    },
  )

  it('rejected for another reason returns its error as JSON', async () => {
    const gateway = await startTestGateway()
    const query = `subscription { uploadStatus(uid: "${'f'.repeat(32)}") { status } }`
    const response = await request(gateway, 'POST', query, 'application/json')
    expect(await response.text()).toContain('UPLOAD_NOT_FOUND')
  })
})

describe('a mutation', () => {
  it.each(['image/png', 'text/html', 'multipart/mixed', 'application/json; charset=latin1'])(
    'with Accept: %s is rejected before it is executed',
    async (accept) => {
      const gateway = await startTestGateway()
      const { uid } = expectMinted(await createDirectUpload(gateway.as()))
      const query = `mutation { deleteUpload(uid: "${uid}") { __typename } }`
      const response = await request(gateway, 'POST', query, accept)
      expect(response.status).toBe(406)
      expect(await response.json()).toMatchObject({
        errors: [
          {
            message: expect.stringContaining('application/json'),
            extensions: { code: 'NOT_ACCEPTABLE' },
          },
        ],
      })
      expect((await gateway.emulator.state()).requests['delete'] ?? 0).toBe(0)
    },
  )
})
