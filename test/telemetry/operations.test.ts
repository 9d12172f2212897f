/** Operations in /metrics: by kind and root field, whatever names clients give them. */
import { getOperationAST, parse } from 'graphql'
import { describe, expect, it } from 'vitest'
import { isTraceable } from '../../src/http/graphql/plugins/operation-telemetry.ts'
import { rootFieldOf } from '../../src/http/graphql/plugins/root-field.ts'
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
  it('are counted by kind and root field, with their errors', async () => {
    const gateway = await startTestGateway()
    // Often enough that the last ones go by the fast lane.
    for (let times = 0; times < 5; times += 1) {
      await send(gateway, 'query Library { uploads { totalCount } }')
    }
    await send(gateway, '{ uploads { totalCount } }')
    const two = 'query One { uploads { totalCount } } query Two { uploads { totalCount } }'
    await send(gateway, two, { operationName: 'Two' })
    await send(gateway, 'mutation Remove { deleteUpload(uid: "x") { __typename } }')
    await send(gateway, 'query Invalid { uploads(first: 101) { totalCount } }')
    const seen = await scrape(gateway.url)
    expect(answered(seen, 'query', 'uploads')).toBe(8)
    expect(answered(seen, 'mutation', 'deleteUpload')).toBe(1)
    expect(seen.value('headgate_http_responses_total', { route: '/graphql', method: 'POST' })).toBe(
      9,
    )
    const errors = (operation: string) =>
      seen.value('headgate_operation_errors_total', { operation })
    expect(errors('uploads')).toBe(1)
    // That there is no such upload is an answer, and no error.
    expect(errors('deleteUpload')).toBe(0)
    expect(
      seen.value('headgate_operation_duration_seconds_sum', { operation: 'uploads' }),
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

  it('are counted alike, however many names other callers chose before', async () => {
    const gateway = await startTestGateway()
    const names = Array.from({ length: 101 }, (_, index) => `Name${index}`)
    await Promise.all(names.map((name) => send(gateway, `query ${name} { __typename }`)))
    await send(gateway, 'query Library { uploads { totalCount } }')
    const seen = await scrape(gateway.url)
    expect(answered(seen, 'query', 'uploads')).toBe(1)
    const series = seen.all('headgate_operation_duration_seconds_count')
    expect(series.map(({ labels, value }) => [labels['operation'], value])).toEqual([
      ['__typename', 101],
      ['uploads', 1],
    ])
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
      seen.value('headgate_subscription_duration_seconds_count', { operation: 'uploadStatus' }),
    ).toBe(4)
  })
})

describe('the root field of an operation', () => {
  it.each([
    ['{ uploads { totalCount } }', 'uploads'],
    ['query Name { alias: uploads { totalCount } }', 'uploads'],
    ['{ a: upload(uid: "a") { uid } b: upload(uid: "b") { uid } }', 'upload'],
    ['{ uploads { totalCount } storageUsage { __typename } }', 'several'],
    ['{ ... { ... on Query { uploads { totalCount } } } }', 'uploads'],
    [
      '{ ...A ...A } fragment A on Query { ...B } fragment B on Query { uploads { __typename } }',
      'uploads',
    ],
    ['{ ...A __typename } fragment A on Query { uploads { __typename } }', 'several'],
    ['{ __typename }', '__typename'],
    ['{ __schema { types { name } } }', '__schema'],
  ])('of %s is %s', (text, field) => {
    const document = parse(text)
    const operation = getOperationAST(document)
    if (operation === null || operation === undefined) throw new Error('no operation')
    expect(rootFieldOf(document, operation)).toBe(field)
  })
})

describe('the name of an operation', () => {
  it.each(['Library', '_private2'])('%j is in traces', (name) => {
    expect(isTraceable(name)).toBe(true)
  })

  it.each([
    '',
    'x'.repeat(65),
    'Watch_5d5bc37ffcf54c9b82e996823bffbb81',
    'WatchDEADBEEF',
    'Page12345',
  ])('%j is not in traces', (name) => {
    expect(isTraceable(name)).toBe(false)
  })
})
