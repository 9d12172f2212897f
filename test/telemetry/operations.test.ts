/** Operations in `/metrics`: by kind and root field, independent of names chosen by clients. */
import { getOperationAST, parse } from 'graphql'
import { describe, expect, it } from 'vitest'
import { isTraceable } from '../../src/http/graphql/plugins/operation-telemetry.ts'
import { rootFieldOf } from '../../src/http/graphql/plugins/root-field.ts'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { type Scrape, scrape } from '../kit/metrics.ts'
import { createDirectUpload, deleteUpload, expectMinted, watchUpload } from '../kit/operations.ts'

async function send(gateway: TestGateway, query: string, params: object = {}): Promise<Response> {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, ...params }),
  })
  await response.arrayBuffer()
  return response
}

const operationCount = (metrics: Scrape, kind: string, operation: string): number =>
  metrics.value('headgate_operation_duration_seconds_count', { kind, operation })

describe('operations', () => {
  it('are counted by kind and root field, with their errors', async () => {
    const gateway = await startTestGateway()
    // Repeated, so that the last ones take the fast path.
    for (let run = 0; run < 5; run += 1) {
      await send(gateway, 'query Library { uploads { totalCount } }')
    }
    await send(gateway, '{ uploads { totalCount } }')
    const two = 'query One { uploads { totalCount } } query Two { uploads { totalCount } }'
    await send(gateway, two, { operationName: 'Two' })
    await send(gateway, 'mutation Remove { deleteUpload(uid: "x") { __typename } }')
    await send(gateway, 'query Invalid { uploads(first: 101) { totalCount } }')
    const metrics = await scrape(gateway.url)
    expect(operationCount(metrics, 'query', 'uploads')).toBe(8)
    expect(operationCount(metrics, 'mutation', 'deleteUpload')).toBe(1)
    expect(
      metrics.value('headgate_http_responses_total', { route: '/graphql', method: 'POST' }),
    ).toBe(9)
    const errors = (operation: string) =>
      metrics.value('headgate_operation_errors_total', { operation })
    expect(errors('uploads')).toBe(1)
    // An unknown upload is a result, not an error.
    expect(errors('deleteUpload')).toBe(0)
    expect(
      metrics.value('headgate_operation_duration_seconds_sum', { operation: 'uploads' }),
    ).toBeGreaterThan(0)
  })

  it('that are invalid are counted as rejections', async () => {
    const gateway = await startTestGateway()
    await send(gateway, '{ uploads {')
    await send(gateway, 'query Old { retired }')
    await send(gateway, 'query Old { retired }')
    const metrics = await scrape(gateway.url)
    expect(
      metrics.value('headgate_rejections_total', { route: '/graphql', reason: 'invalid' }),
    ).toBe(3)
    expect(metrics.all('headgate_operation_duration_seconds_count')).toEqual([])
  })

  it('are counted by root field after 101 other operation names', async () => {
    const gateway = await startTestGateway()
    const names = Array.from({ length: 101 }, (_, index) => `Name${index}`)
    await Promise.all(names.map((name) => send(gateway, `query ${name} { __typename }`)))
    await send(gateway, 'query Library { uploads { totalCount } }')
    const metrics = await scrape(gateway.url)
    expect(operationCount(metrics, 'query', 'uploads')).toBe(1)
    const series = metrics.all('headgate_operation_duration_seconds_count')
    expect(series.map(({ labels, value }) => [labels['operation'], value])).toEqual([
      ['__typename', 101],
      ['uploads', 1],
    ])
  })

  it('of kind subscription are counted while they are open', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid } = expectMinted(await createDirectUpload(caller))
    const open = async (): Promise<number> =>
      (await scrape(gateway.url)).value('headgate_subscriptions', { transport: 'sse' })
    expect(await open()).toBe(0)
    // The first two are compiled, so that the others take the fast path.
    for (let run = 0; run < 2; run += 1) {
      const subscription = watchUpload(caller, uid)
      await subscription.next()
      await subscription.return(undefined)
    }
    await expect.poll(open).toBe(0)
    const first = watchUpload(caller, uid)
    const second = watchUpload(caller, uid)
    await Promise.all([first.next(), second.next()])
    expect(await open()).toBe(2)
    // Neither disconnected nor completed subscriptions are counted.
    await first.return(undefined)
    await expect.poll(open).toBe(1)
    await deleteUpload(caller, uid)
    for await (const _state of second);
    await expect.poll(open).toBe(0)
    const metrics = await scrape(gateway.url)
    expect(
      metrics.value('headgate_subscription_duration_seconds_count', { operation: 'uploadStatus' }),
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
  ])('in %s is %s', (text, field) => {
    const document = parse(text)
    const operation = getOperationAST(document)
    if (operation === null || operation === undefined) throw new Error('no operation')
    expect(rootFieldOf(document, operation)).toBe(field)
  })
})

describe('the name of an operation', () => {
  it.each(['Library', '_private2'])('%j is recorded in traces', (name) => {
    expect(isTraceable(name)).toBe(true)
  })

  it.each([
    '',
    'x'.repeat(65),
    'Watch_5d5bc37ffcf54c9b82e996823bffbb81',
    'WatchDEADBEEF',
    'Page12345',
  ])('%j is not recorded in traces', (name) => {
    expect(isTraceable(name)).toBe(false)
  })
})
