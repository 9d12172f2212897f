/** Load shedding on a simulated event loop: which requests are rejected, and how long requests wait. */
import { createServer } from 'node:http'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createResponseHeaders } from '../../src/http/response-headers.ts'
import { securityHeaders } from '../../src/http/middleware/security-headers.ts'
import { writeOverloaded } from '../../src/node/server/responses.ts'
import { createScheduling } from '../../src/node/server/accept-priority.ts'
import { createLoadShedder, overloadReason } from '../../src/node/server/load-shedder.ts'
import { type SimulatedResponse, arrivalsAtRate, runEventLoop } from '../kit/event-loop.ts'
import { listenInTest } from '../kit/listen.ts'

/** An accepted request costs one millisecond, so the capacity is 1,000 requests a second. */
const COSTS = { readMs: 0.01, costMs: 1, rejectionMs: 0.04 }

function sortedWaits(
  served: readonly SimulatedResponse[],
  outcome: SimulatedResponse['outcome'],
): readonly number[] {
  return served
    .flatMap((request) => (request.outcome === outcome ? [request.waitedMs] : []))
    .toSorted((a, b) => a - b)
}

function percentile(sorted: readonly number[], fraction: number): number {
  return sorted[Math.floor((sorted.length - 1) * fraction)] ?? 0
}

/** Arrivals with these gaps, each a multiple of the mean gap. */
function arrivalsWithGaps(perSecond: number, gaps: readonly number[]): readonly number[] {
  let at = 0
  return gaps.map((gap) => {
    at += (gap * 1000) / perSecond
    return at
  })
}

/** Connections that arrive together, each with a request. */
function manyConnections(count: number) {
  const connections = Array.from({ length: count }, () => 0)
  return { arrivals: [], connections, acceptMs: 0.1, connectionsSend: true }
}

describe('load shedding', () => {
  it.each([4, 10])('bounds the wait of accepted requests at %d times the capacity', (times) => {
    const { served, load } = runEventLoop({
      ...COSTS,
      arrivals: arrivalsAtRate(times * 1000, 0, 10_000),
    })
    const accepted = sortedWaits(served, 'accepted')
    const rejected = sortedWaits(served, 'rejected')
    // The first two long ticks are not yet an overload: they may be a pause.
    const afterDetection = served.filter(({ arrivedAt }) => arrivedAt > 500)
    expect(percentile(accepted, 0.99)).toBeLessThanOrEqual(250)
    expect(percentile(sortedWaits(afterDetection, 'rejected'), 0.99)).toBeLessThanOrEqual(50)
    // The time that rejections leave of ten seconds is spent on responses.
    expect(accepted.length).toBeGreaterThan(
      10_000 * (1 - (times - 0.8) * (COSTS.readMs + COSTS.rejectionMs)) * 0.9,
    )
    expect(load.rejected).toBe(rejected.length)
  })

  it('bounds the wait of 2,000 requests that arrive together', () => {
    const { served } = runEventLoop({ ...COSTS, arrivals: Array.from({ length: 2000 }, () => 0) })
    expect(percentile(sortedWaits(served, 'accepted'), 1)).toBeLessThanOrEqual(250)
  })

  it('rejects no request after one pause of any length, below the capacity', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.5, max: 1.5, noNaN: true }), {
          minLength: 900,
          maxLength: 1200,
        }),
        fc.integer({ min: 0, max: 1500 }),
        fc.integer({ min: 1, max: 250 }),
        (gaps, at, ms) => {
          const arrivals = arrivalsWithGaps(500, gaps)
          const { load } = runEventLoop({ ...COSTS, arrivals, pauses: [{ at, ms }] })
          expect(load.rejected).toBe(0)
        },
      ),
      { numRuns: 100 },
    )
  })

  it.each([
    [32, 4],
    [150, 1],
  ])(
    'rejects none of %d clients that wait for each response, with a cost of %d ms',
    (clients, costMs) => {
      let now = 0
      let rejected = 0
      let due: (() => void)[] = []
      let ready = Array.from({ length: clients }, (_, client) => client)
      const shedding = createLoadShedder<number>({
        ...createScheduling({ now: () => now, later: (run) => due.push(run) }),
        maxInFlight: 1000,
        inFlight: () => 0,
        clientOf: String,
        serve(client) {
          now += costMs
          ready.push(client)
        },
        reject() {
          rejected += 1
        },
      })
      for (let tick = 0; tick < 5000; tick += 1) {
        const arriving = ready
        ready = []
        for (const client of arriving) shedding.admit(client)
        const callbacks = due
        due = []
        for (const run of callbacks) run()
      }
      expect(rejected).toBe(0)
      expect(now).toBeGreaterThan(10_000)
    },
  )

  it.each([4, 10])(
    'delays and rejects no other client while one client sends %d times the capacity',
    (times) => {
      const others = arrivalsAtRate(100, 0.01, 10_000)
      const isOther = new Set(others)
      const { served } = runEventLoop({
        ...COSTS,
        arrivals: [...arrivalsAtRate(times * 1000, 0, 10_000), ...others].toSorted((a, b) => a - b),
        clientOf: (arrivedAt) => (isOther.has(arrivedAt) ? 'other' : 'flood'),
      })
      const toOthers = served.filter(({ arrivedAt }) => isOther.has(arrivedAt))
      expect(toOthers).toHaveLength(others.length)
      expect(sortedWaits(toOthers, 'rejected')).toEqual([])
      // A tick: up to four milliseconds of responses, and the rejections of what arrives meanwhile.
      expect(percentile(sortedWaits(toOthers, 'accepted'), 1)).toBeLessThanOrEqual(20)
      expect(sortedWaits(served, 'accepted').length).toBeGreaterThan(
        10_000 * (1 - (times - 0.8) * (COSTS.readMs + COSTS.rejectionMs)) * 0.9,
      )
    },
  )

  it('serves another client within a tick while 200 requests of one client wait', () => {
    const { served } = runEventLoop({
      ...COSTS,
      arrivals: [...Array.from({ length: 200 }, () => 0), 0.001],
      clientOf: (arrivedAt) => (arrivedAt === 0 ? 'flood' : 'other'),
    })
    expect(served.find(({ arrivedAt }) => arrivedAt !== 0)).toMatchObject({ outcome: 'accepted' })
    expect(served.find(({ arrivedAt }) => arrivedAt !== 0)?.waitedMs).toBeLessThanOrEqual(10)
  })

  it('accepts all requests again as soon as fewer arrive', () => {
    const belowCapacity = arrivalsAtRate(500, 3000, 8000)
    const { served, load } = runEventLoop({
      ...COSTS,
      arrivals: [...arrivalsAtRate(4000, 0, 3000), ...belowCapacity],
    })
    const afterOverload = served.filter(({ arrivedAt }) => arrivedAt >= 3100)
    expect(sortedWaits(afterOverload, 'rejected')).toEqual([])
    expect(percentile(sortedWaits(afterOverload, 'accepted'), 1)).toBeLessThanOrEqual(50)
    expect(load).toMatchObject({ inFlight: 0, queued: 0, rejectingForMs: null })
  })

  it('accepts 1,000 new connections within 500 ms of an overload, and serves requests meanwhile', () => {
    const { served, acceptedAt } = runEventLoop({
      ...COSTS,
      arrivals: arrivalsAtRate(4000, 0, 6000),
      connections: Array.from({ length: 1000 }, () => 3000),
    })
    const last = acceptedAt.at(-1) ?? Infinity
    expect(acceptedAt).toHaveLength(1000)
    expect(last - 3000).toBeLessThan(500)
    const meanwhile = served.filter(
      ({ arrivedAt, waitedMs }) => arrivedAt + waitedMs >= 3000 && arrivedAt + waitedMs < last,
    )
    // New connections take half of the time at most; rejections take another part.
    expect(sortedWaits(meanwhile, 'accepted').length).toBeGreaterThan((last - 3000) * 0.3)
    expect(percentile(sortedWaits(meanwhile, 'accepted'), 1)).toBeLessThanOrEqual(250)
  })

  it('accepts 900 new connections within 2 seconds, each with a request that costs 200 ms', () => {
    const { served, acceptedAt } = runEventLoop({
      ...COSTS,
      ...manyConnections(900),
      costMs: 200,
    })
    const last = acceptedAt.at(-1) ?? Infinity
    expect(acceptedAt).toHaveLength(900)
    expect(last).toBeLessThan(2000)
    const meanwhile = served.filter(({ waitedMs }) => waitedMs <= last)
    expect(sortedWaits(meanwhile, 'accepted').length * 200).toBeGreaterThan(last / 2)
  })

  it('accepts 900 new connections within 3 seconds if every other request costs 200 ms', () => {
    const { acceptedAt } = runEventLoop({
      ...COSTS,
      ...manyConnections(900),
      costMs: (index) => (index % 2 === 0 ? 200 : 0.5),
    })
    expect(acceptedAt.at(-1)).toBeLessThan(3000)
  })

  it('rejects none of 1,500 new connections with cheap requests, after slow first requests', () => {
    const { served } = runEventLoop({
      ...COSTS,
      ...manyConnections(1500),
      costMs: (index) => (index < 3 ? 100 : 5),
      pauses: [{ at: 2000, ms: 200 }],
    })
    expect(served).toHaveLength(1500)
    expect(sortedWaits(served, 'rejected')).toEqual([])
  })

  it('keeps the loop awake for the requests only', () => {
    const { wakeUps } = runEventLoop({ ...COSTS, arrivals: [0, 1000, 2000] })
    // After each request, one further tick finds an empty queue.
    expect(wakeUps).toBe(6)
  })

  it('serves immediately if the queue is empty, otherwise in order of arrival, a few in each tick', () => {
    const { served } = runEventLoop({ ...COSTS, arrivals: Array.from({ length: 20 }, () => 0) })
    expect(served.map(({ outcome }) => outcome)).toEqual(Array(20).fill('accepted'))
    const waited = served.map(({ waitedMs }) => Math.floor(waitedMs))
    expect(waited).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  })

  it('rejects requests above the in-flight limit and accepts again after a response', () => {
    let inFlight = 0
    let now = 0
    const served: string[] = []
    const rejected: string[] = []
    const shedding = createLoadShedder<string>({
      ...createScheduling({ now: () => now, later: () => undefined }),
      maxInFlight: 2,
      inFlight: () => inFlight,
      clientOf: () => null,
      serve(name) {
        inFlight += 1
        served.push(name)
      },
      reject: (name) => rejected.push(name),
    })
    for (const name of ['a', 'b', 'c']) shedding.admit(name)
    expect([served, rejected]).toEqual([['a', 'b'], ['c']])
    now = 3
    expect(shedding.load()).toEqual({ rejected: 1, inFlight: 2, queued: 0, rejectingForMs: 3 })
    inFlight = 1
    // The next request would be served.
    expect(shedding.load()).toMatchObject({ inFlight: 1, rejectingForMs: null })
    for (const name of ['d', 'e']) shedding.admit(name)
    expect([served, rejected]).toEqual([
      ['a', 'b', 'd'],
      ['c', 'e'],
    ])
    expect(shedding.load().rejectingForMs).toBe(0)
  })

  it.each([
    [null, 'null'],
    [4999, 'null'],
    [6000, /^The gateway has rejected every request for 6 seconds: 1000 are in flight/],
  ])('reports the overload reason after %s ms of rejections only', (rejectingForMs, reason) => {
    const reported = overloadReason({ rejected: 1, inFlight: 1000, queued: 0, rejectingForMs })
    expect(String(reported)).toMatch(reason)
  })

  it('reports the number of queued requests', () => {
    let now = 0
    let inFlight = 0
    const due: (() => void)[] = []
    const shedding = createLoadShedder<string>({
      ...createScheduling({ now: () => now, later: (run) => due.push(run) }),
      maxInFlight: 10,
      inFlight: () => inFlight,
      clientOf: () => null,
      serve() {
        inFlight += 1
        now += 10
      },
      reject: () => undefined,
    })
    for (const name of ['a', 'b', 'c']) shedding.admit(name)
    expect(shedding.load()).toMatchObject({ inFlight: 3, queued: 2 })
    for (let tick = 0; tick < 10; tick += 1) for (const run of due.splice(0)) run()
    expect(shedding.load()).toMatchObject({ inFlight: 3, queued: 0 })
  })
})

describe('a rejection', () => {
  const headersFor = createResponseHeaders({
    origins: new Set(['https://app.example.com']),
    https: true,
  })
  const graphqlError = '{"errors":[{"message":"The gateway is overloaded. Retry in 1 second."'
  it.each<
    [path: string, headers: Record<string, string>, expected: Record<string, string>, body: string]
  >([
    ['/tus', {}, { 'content-type': 'text/plain; charset=utf-8' }, 'The gateway is overloaded'],
    ['/graphql', {}, { 'content-type': 'application/json; charset=utf-8' }, graphqlError],
    [
      '/graphql?query=%7B__typename%7D',
      { accept: 'application/graphql-response+json, application/json;q=0.9' },
      { 'content-type': 'application/graphql-response+json; charset=utf-8' },
      graphqlError,
    ],
    [
      '/graphql',
      { origin: 'https://app.example.com' },
      { 'access-control-allow-origin': 'https://app.example.com', vary: 'Origin' },
      '"code":"OVERLOADED"',
    ],
    ['/graphql', { origin: 'https://evil.example' }, { vary: 'Origin' }, graphqlError],
  ])('of %s with %j has a Retry-After header', async (path, headers, expected, body) => {
    const server = createServer((request, response) => {
      writeOverloaded(request, response, headersFor, 'the-request-id')
    })
    const { origin } = await listenInTest(server)
    const response = await fetch(origin + path, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query: '{ __typename }' }),
    })
    expect(response.status).toBe(503)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'retry-after': '1',
      'cache-control': 'no-store',
      connection: 'keep-alive',
      'x-request-id': 'the-request-id',
      ...securityHeaders({ https: true }),
      ...expected,
    })
    expect(response.headers.get('access-control-allow-origin')).toBe(
      expected['access-control-allow-origin'] ?? null,
    )
    expect(await response.text()).toContain(body)
  })
})
