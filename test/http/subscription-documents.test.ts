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

async function subscribe(
  gateway: TestGateway,
  token: string,
  query: string,
  variables = {},
): Promise<Response> {
  return fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ query, variables }),
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

describe('the variables of open subscriptions', () => {
  const LIST = 'subscription ($filter: UploadFilter) { uploadList(filter: $filter) { isListed } }'

  it('are limited per caller, together with the documents', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const ada = await tokenFor('ada')
    const variables = { filter: { creator: 'c'.repeat(60_000) } }
    const open: Response[] = []
    for (let count = 1; count <= MAX_SUBSCRIPTION_CHARACTERS / 60_100; count += 1) {
      open.push(await subscribe(gateway, ada, LIST, variables))
      await expectOpen(gateway, count)
    }
    expect(await isRejected(await subscribe(gateway, ada, LIST, variables))).toBe(true)
    open.push(await subscribe(gateway, await tokenFor('bob'), LIST, variables))
    await expectOpen(gateway, open.length)
    await open[0]?.body?.cancel()
    await expectOpen(gateway, open.length - 1)
    await subscribe(gateway, ada, LIST, variables)
    await expectOpen(gateway, open.length)
  })

  it('do not count if the operation does not declare them', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const ada = await tokenFor('ada')
    for (let count = 1; count <= 5; count += 1) {
      const response = await subscribe(gateway, ada, LIST, { undeclared: 'c'.repeat(60_000) })
      expect(response.status).toBe(200)
      await expectOpen(gateway, count)
    }
  })

  it('are rejected if they are nested too deep', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${await tokenFor('ada')}`,
      },
      body: `{"query":"${LIST}","variables":{"filter":{"creator":${'['.repeat(30_000)}${']'.repeat(30_000)}}}}`,
    })
    expect(await response.text()).toMatch(/RATE_LIMITED|BAD_USER_INPUT/)
    expect(gateway.logs.filter(({ level }) => level === 'error')).toEqual([])
    await expectOpen(gateway, 0)
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
