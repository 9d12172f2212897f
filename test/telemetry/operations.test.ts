/** Operations in /metrics: by kind and name, however many names clients think of. */
import { describe, expect, it } from 'vitest'
import { createOperationLabels } from '../../src/telemetry/prometheus/operation-metrics.ts'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { type Scrape, scrape } from '../kit/metrics.ts'
import { createDirectUpload, deleteUpload, expectMinted, watchUpload } from '../kit/operations.ts'

async function send(gateway: TestGateway, query: string, more: object = {}): Promise<Response> {
  const answer = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, ...more }),
  })
  await answer.arrayBuffer()
  return answer
}

const answered = (seen: Scrape, kind: string, operation: string): number =>
  seen.value('headgate_operation_duration_seconds_count', { kind, operation })

describe('operations', () => {
  it('are counted by kind and name, with their errors', async () => {
    const gateway = await startTestGateway()
    // Often enough that the last ones go by the fast lane.
    for (let times = 0; times < 5; times += 1) {
      await send(gateway, 'query Library { uploads { totalCount } }')
    }
    await send(gateway, '{ uploads { totalCount } }')
    const two = 'query One { uploads { totalCount } } query Two { uploads { totalCount } }'
    await send(gateway, two, { operationName: 'Two' })
    await send(gateway, 'mutation Remove { deleteUpload(uid: "x") { __typename } }')
    await send(gateway, 'query Amiss { uploads(first: 101) { totalCount } }')
    const seen = await scrape(gateway.url)
    expect(answered(seen, 'query', 'Library')).toBe(5)
    expect(answered(seen, 'query', 'anonymous')).toBe(1)
    expect(answered(seen, 'query', 'Two')).toBe(1)
    expect(answered(seen, 'mutation', 'Remove')).toBe(1)
    expect(seen.value('headgate_http_responses_total', { route: '/graphql', method: 'POST' })).toBe(
      9,
    )
    const errors = (operation: string) =>
      seen.value('headgate_operation_errors_total', { operation })
    expect(errors('Library')).toBe(0)
    // That there is no such upload is an answer, and no error.
    expect(errors('Remove')).toBe(0)
    expect(errors('Amiss')).toBe(1)
    expect(
      seen.value('headgate_operation_duration_seconds_sum', { operation: 'Library' }),
    ).toBeGreaterThan(0)
  })

  it('that are no GraphQL, or not ours, are counted as invalid', async () => {
    const gateway = await startTestGateway()
    await send(gateway, '{ uploads {')
    await send(gateway, 'query Old { retired }')
    await send(gateway, 'query Old { retired }')
    const seen = await scrape(gateway.url)
    expect(seen.value('headgate_rejections_total', { route: '/graphql', reason: 'invalid' })).toBe(
      3,
    )
    expect(seen.all('headgate_operation_duration_seconds_count')).toEqual([])
  })

  it('of a thousand names make a hundred and one series', { timeout: 60_000 }, async () => {
    const gateway = await startTestGateway()
    const queries = Array.from({ length: 1000 }, (_, index) => `query Page${index} { __typename }`)
    for (let first = 0; first < 1000; first += 10) {
      const some = queries.slice(first, first + 10)
      await Promise.all(some.map((query) => send(gateway, query)))
    }
    const seen = await scrape(gateway.url)
    const counts = seen.all('headgate_operation_duration_seconds_count')
    expect(counts).toHaveLength(101)
    expect(counts.reduce((sum, { value }) => sum + value, 0)).toBe(1000)
    expect(answered(seen, 'query', 'other')).toBe(900)
  })

  it('that go on are counted while they do', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid } = expectMinted(await createDirectUpload(caller))
    const open = async (): Promise<number> =>
      (await scrape(gateway.url)).value('headgate_subscriptions', { transport: 'sse' })
    expect(await open()).toBe(0)
    // The first two teach the fast lane, which seats the others.
    for (let times = 0; times < 2; times += 1) {
      const early = watchUpload(caller, uid)
      await early.next()
      await early.return(undefined)
    }
    await expect.poll(open).toBe(0)
    const one = watchUpload(caller, uid)
    const another = watchUpload(caller, uid)
    await Promise.all([one.next(), another.next()])
    expect(await open()).toBe(2)
    // Whoever goes away is counted no more, and those who stay until the end neither.
    await one.return(undefined)
    await expect.poll(open).toBe(1)
    await deleteUpload(caller, uid)
    for await (const _state of another);
    await expect.poll(open).toBe(0)
    const seen = await scrape(gateway.url)
    expect(
      seen.value('headgate_subscription_duration_seconds_count', { operation: 'anonymous' }),
    ).toBe(4)
  })
})

describe('a name of an operation', () => {
  it.each([
    ['Library', 'Library'],
    ['_private2', '_private2'],
    [null, 'anonymous'],
    ['', 'anonymous'],
    ['x'.repeat(65), 'other'],
    ['mint-it', 'other'],
    ['Größe', 'other'],
    ['Watch_5d5bc37ffcf54c9b82e996823bffbb81', 'other'],
    ['WatchDEADBEEF', 'other'],
    ['Page12345', 'other'],
    ['1st', 'other'],
    ['a b', 'other'],
    ['a"} 1', 'other'],
  ])('%j is counted as %s', (name, label) => {
    expect(createOperationLabels()(name)).toBe(label)
  })

  it('that came early is counted by itself for ever', () => {
    const labelOf = createOperationLabels()
    expect(labelOf('First')).toBe('First')
    for (let index = 0; index < 500; index += 1) labelOf(`N${index}`)
    expect(labelOf('First')).toBe('First')
    expect(labelOf('N98')).toBe('N98')
    expect(labelOf('N99')).toBe('other')
  })
})
