/** Memory of the documents of one caller's open subscriptions. */
import { describe, expect, it, vi } from 'vitest'
import { MAX_COMMENTS } from '../../src/http/graphql/plugins/document-limits.ts'
import { MAX_SUBSCRIPTION_CHARACTERS } from '../../src/http/graphql/plugins/subscription-documents.ts'
import { reachableBytes } from '../kit/collect-garbage.ts'
import { TEST_SECRET, type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { scrape } from '../kit/metrics.ts'

const CHARACTERS = 10_000
const MAX_DOCUMENTS = MAX_SUBSCRIPTION_CHARACTERS / CHARACTERS
/** Subscriptions whose memory is measured. */
const SAMPLES = 40

/** Returns a subscription of 10,000 characters that differs for each index. */
function documentOf(index: number): string {
  return `subscription S${index} { uploadsChanged { uid } } #`.padEnd(CHARACTERS, 'x')
}

async function subscribe(gateway: TestGateway, token: string, query: string): Promise<Response> {
  return fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ query }),
  })
}

async function isRejected(response: Response): Promise<boolean> {
  const { value } = (await response.body?.getReader().read()) ?? {}
  return new TextDecoder().decode(value).includes('RATE_LIMITED')
}

async function expectOpen(gateway: TestGateway, count: number): Promise<void> {
  await vi.waitFor(async () => {
    const open = (await scrape(gateway.url)).value('headgate_subscriptions', { transport: 'sse' })
    expect(open).toBe(count)
  })
}

describe('the documents of open subscriptions', () => {
  it.each([
    ['fallback', 0],
    ['fast path', 2],
  ] as const)('are limited per caller by the %s', async (_name, runsToCompile) => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const ada = await tokenFor('ada')
    const open: Response[] = []
    for (let index = 0; index < MAX_DOCUMENTS; index += 1) {
      for (let run = 0; run < runsToCompile; run += 1) {
        await (await subscribe(gateway, ada, documentOf(index))).body?.cancel()
      }
      await expectOpen(gateway, open.length)
      open.push(await subscribe(gateway, ada, documentOf(index)))
    }
    await expectOpen(gateway, MAX_DOCUMENTS)
    expect(await isRejected(await subscribe(gateway, ada, documentOf(MAX_DOCUMENTS)))).toBe(true)
    // An open document counts once, and each caller has its own limit.
    open.push(await subscribe(gateway, ada, documentOf(MAX_DOCUMENTS - 1)))
    open.push(await subscribe(gateway, await tokenFor('bob'), documentOf(MAX_DOCUMENTS)))
    await expectOpen(gateway, MAX_DOCUMENTS + 2)
    for (const response of open.slice(0, 2)) await response.body?.cancel()
    await expectOpen(gateway, MAX_DOCUMENTS)
    await subscribe(gateway, ada, documentOf(MAX_DOCUMENTS))
    await expectOpen(gateway, MAX_DOCUMENTS + 1)
  })

  it('keep no tokens and comments in memory', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const ada = await tokenFor('ada')
    const open: Response[] = []

    /** Returns the memory per subscription of documents that end with this text. */
    async function bytesOfEach(end: string): Promise<number> {
      const before = await reachableBytes()
      for (let index = 0; index < SAMPLES; index += 1) {
        const operation = `subscription S${open.length} { uploadsChanged { uid } }`
        open.push(await subscribe(gateway, ada, operation.padEnd(64) + end))
      }
      await expectOpen(gateway, open.length)
      return ((await reachableBytes()) - before) / SAMPLES
    }

    await bytesOfEach('#x'.padEnd(2 * MAX_COMMENTS, '-'))
    const oneComment = await bytesOfEach('#'.padEnd(2 * MAX_COMMENTS, 'x'))
    const manyComments = await bytesOfEach('#\n'.repeat(MAX_COMMENTS))
    expect(manyComments - oneComment).toBeLessThan(25_000)
  })
})

describe('errors', () => {
  it.each([
    ['of the parser', '{\n  a(}', { line: 2, column: 5 }],
    ['of the validation', '{\n  # comment\n  none\n}', { line: 3, column: 3 }],
    ['of the execution', '{\n  uploads(first: -1) { edges { cursor } }\n}', { line: 2, column: 3 }],
  ])('%s name the line and column', async (_kind, query, location) => {
    const gateway = await startTestGateway()
    // The second request uses the cached document.
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const response = await fetch(`${gateway.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query }),
      })
      expect(await response.json()).toMatchObject({ errors: [{ locations: [location] }] })
    }
  })
})
