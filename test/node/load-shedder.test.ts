/** Load shedding, on an event loop turned by hand: who is refused, who is not, and how long all wait. */
import { createServer } from 'node:http'
import { once } from 'node:events'
import * as fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createResponseHeaders } from '../../src/http/response-headers.ts'
import { securityHeaders } from '../../src/http/middleware/security-headers.ts'
import { writeOverloaded } from '../../src/node/server/responses.ts'
import { createLoadShedder, overloadReason } from '../../src/node/server/load-shedder.ts'
import { type SimulatedResponse, arrivalsAtRate, runEventLoop } from '../kit/event-loop.ts'

/** A request that is taken on costs a millisecond: a thousand a second are all that can be answered. */
const COSTS = { readMs: 0.01, costMs: 1, rejectionMs: 0.04 }

function waits(
  served: readonly SimulatedResponse[],
  outcome: SimulatedResponse['outcome'],
): readonly number[] {
  return served
    .flatMap((one) => (one.outcome === outcome ? [one.waitedMs] : []))
    .toSorted((a, b) => a - b)
}

function share(sorted: readonly number[], part: number): number {
  return sorted[Math.floor((sorted.length - 1) * part)] ?? 0
}

/** Arrivals with gaps as chance makes them, each a multiple of the mean. */
function byChance(perSecond: number, gaps: readonly number[]): readonly number[] {
  let at = 0
  return gaps.map((gap) => {
    at += (gap * 1000) / perSecond
    return at
  })
}

describe('load shedding', () => {
  it.each([4, 10])('answers soon what it takes on at %d times what it can do', (times) => {
    const { served, load } = runEventLoop({
      ...COSTS,
      arrivals: arrivalsAtRate(times * 1000, 0, 10_000),
    })
    const accepted = waits(served, 'accepted')
    const refused = waits(served, 'rejected')
    // The first two long turns, which might have been a pause, are no overload yet.
    const known = served.filter(({ arrivedAt }) => arrivedAt > 500)
    expect(share(accepted, 0.99)).toBeLessThanOrEqual(250)
    expect(share(waits(known, 'rejected'), 0.99)).toBeLessThanOrEqual(50)
    // And goes on working: what refusing leaves of ten seconds is spent on answers.
    expect(accepted.length).toBeGreaterThan(
      10_000 * (1 - (times - 0.8) * (COSTS.readMs + COSTS.rejectionMs)) * 0.9,
    )
    expect(load.rejected).toBe(refused.length)
  })

  it('lets nobody wait for long in a crowd that comes all at once', () => {
    const { served } = runEventLoop({ ...COSTS, arrivals: Array.from({ length: 2000 }, () => 0) })
    expect(share(waits(served, 'accepted'), 1)).toBeLessThanOrEqual(250)
  })

  it('refuses nobody for one pause, however long, where there is room to catch up', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.5, max: 1.5, noNaN: true }), {
          minLength: 900,
          maxLength: 1200,
        }),
        fc.integer({ min: 0, max: 1500 }),
        fc.integer({ min: 1, max: 250 }),
        (gaps, at, ms) => {
          const arrivals = byChance(500, gaps)
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
    'rejects none of %d clients that wait for each response, which costs %d ms',
    (clients, costMs) => {
      let now = 0
      let rejected = 0
      let due: (() => void)[] = []
      let ready = Array.from({ length: clients }, (_, client) => client)
      const shedding = createLoadShedder<number>({
        now: () => now,
        later: (run) => due.push(run),
        maxInFlight: 1000,
        inFlight: () => 0,
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

  it('recovers at once when fewer come', () => {
    const calm = arrivalsAtRate(500, 3000, 8000)
    const { served, load } = runEventLoop({
      ...COSTS,
      arrivals: [...arrivalsAtRate(4000, 0, 3000), ...calm],
    })
    const late = served.filter(({ arrivedAt }) => arrivedAt >= 3100)
    expect(waits(late, 'rejected')).toEqual([])
    expect(share(waits(late, 'accepted'), 1)).toBeLessThanOrEqual(50)
    expect(load).toMatchObject({ inFlight: 0, queued: 0, rejectingForMs: null })
  })

  it('keeps the loop awake for the requests only', () => {
    const { wakeUps } = runEventLoop({ ...COSTS, arrivals: [0, 1000, 2000] })
    // Each is followed by one turn that finds nothing more.
    expect(wakeUps).toBe(6)
  })

  it('serves at once where nobody waits, then in the order they came, a little in each turn', () => {
    const { served } = runEventLoop({ ...COSTS, arrivals: Array.from({ length: 20 }, () => 0) })
    expect(served.map(({ outcome }) => outcome)).toEqual(Array(20).fill('accepted'))
    const waited = served.map(({ waitedMs }) => Math.floor(waitedMs))
    expect(waited).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  })

  it('serves so many that wait for their responses, and more when some are answered', () => {
    let inFlight = 0
    let now = 0
    const served: string[] = []
    const rejected: string[] = []
    const shedding = createLoadShedder<string>({
      now: () => now,
      later: () => undefined,
      maxInFlight: 2,
      inFlight: () => inFlight,
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
    // The next would be served.
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
  ])('is told to an operator after %s milliseconds of nothing else', (rejectingForMs, reason) => {
    const told = overloadReason({ rejected: 1, inFlight: 1000, queued: 0, rejectingForMs })
    expect(String(told)).toMatch(reason)
  })

  it('tells how many wait in the queue', () => {
    let now = 0
    let inFlight = 0
    const due: (() => void)[] = []
    const shedding = createLoadShedder<string>({
      now: () => now,
      later: (run) => due.push(run),
      maxInFlight: 10,
      inFlight: () => inFlight,
      serve() {
        inFlight += 1
        now += 10
      },
      reject: () => undefined,
    })
    for (const name of ['a', 'b', 'c']) shedding.admit(name)
    expect(shedding.load()).toMatchObject({ inFlight: 3, queued: 2 })
    for (let turn = 0; turn < 10; turn += 1) for (const run of due.splice(0)) run()
    expect(shedding.load()).toMatchObject({ inFlight: 3, queued: 0 })
  })
})

describe('a refusal', () => {
  const headersFor = createResponseHeaders({
    origins: new Set(['https://app.example.com']),
    https: true,
  })
  const asked = '{"errors":[{"message":"The gateway is overloaded. Retry in 1 second."'
  it.each<
    [path: string, headers: Record<string, string>, answer: Record<string, string>, body: string]
  >([
    ['/tus', {}, { 'content-type': 'text/plain; charset=utf-8' }, 'The gateway is overloaded'],
    ['/graphql', {}, { 'content-type': 'application/json; charset=utf-8' }, asked],
    [
      '/graphql?query=%7B__typename%7D',
      { accept: 'application/graphql-response+json, application/json;q=0.9' },
      { 'content-type': 'application/graphql-response+json; charset=utf-8' },
      asked,
    ],
    [
      '/graphql',
      { origin: 'https://app.example.com' },
      { 'access-control-allow-origin': 'https://app.example.com', vary: 'Origin' },
      '"code":"OVERLOADED"',
    ],
    ['/graphql', { origin: 'https://evil.example' }, { vary: 'Origin' }, asked],
  ])('of %s with %j says when to come back', async (path, headers, answer, body) => {
    const server = createServer((request, response) => {
      writeOverloaded(request, response, headersFor, 'its-name')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : null
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query: '{ __typename }' }),
    })
    expect(response.status).toBe(503)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'retry-after': '1',
      'cache-control': 'no-store',
      connection: 'keep-alive',
      'x-request-id': 'its-name',
      ...securityHeaders({ https: true }),
      ...answer,
    })
    expect(response.headers.get('access-control-allow-origin')).toBe(
      answer['access-control-allow-origin'] ?? null,
    )
    expect(await response.text()).toContain(body)
  })
})
