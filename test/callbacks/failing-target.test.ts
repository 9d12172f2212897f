/** A target that fails for some callbacks, or as a whole: what the other callbacks to it wait for. */
import { describe, expect, test } from 'vitest'
import {
  type CallbackTarget,
  type Responder,
  callbackVariables,
  startCallbackTarget,
  status,
} from '../kit/callback-target.ts'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'
import { logged, untilLogged } from './callback-log.ts'

/** More than a gateway sends at the same time. */
const MANY = 60

/** Starts a gateway and a function that mints uploads of a creator and returns their uids. */
async function start(target: Pick<CallbackTarget, 'url'>) {
  const gateway = await startTestGateway({
    ...callbackVariables(target),
    AUTH_JWT_SECRET: TEST_SECRET,
    RATE_LIMIT_CREATES: '1000',
  })
  async function mint(creator: string, count = 1): Promise<string[]> {
    const caller = gateway.as(await tokenFor(creator))
    const minted = Array.from({ length: count }, () => createDirectUpload(caller))
    return (await Promise.all(minted)).map((outcome) => expectMinted(outcome).uid)
  }
  return { gateway, mint }
}

const attemptsOf = (target: CallbackTarget, creator: string): string[] =>
  target.received
    .filter(({ payload }) => payload.data['creator'] === creator)
    .map(({ payload }) => payload.data.uid)

/** Responds like this to the callbacks of Alice, and accepts those of others. */
const toAlice =
  (respond: Responder): Responder =>
  (response, callback) =>
    (callback.payload.data['creator'] === 'alice' ? respond : status(204))(response, callback)

describe('a target that rejects the callbacks of one creator', () => {
  test.each([307, 400, 404, 410, 500, 502])(
    'with status %i is sent those of others at once, and all of that one by their schedule',
    async (code) => {
      const target = await startCallbackTarget()
      target.respond(toAlice(status(code)))
      const { gateway, mint } = await start(target)
      const rejected = await mint('alice', MANY)
      const accepted = await mint('bob', 3)
      // The clock stands still: nothing waits for a pause.
      await target.waitFor(MANY + 3)
      expect(attemptsOf(target, 'alice').toSorted()).toEqual(rejected.toSorted())
      expect(attemptsOf(target, 'bob').toSorted()).toEqual(accepted.toSorted())
      if (code === 410) return

      await untilLogged(gateway, 'warn', MANY)
      gateway.clock.advance(6)
      const [next] = await mint('bob')
      await target.waitFor(2 * MANY + 4)
      expect(attemptsOf(target, 'alice')).toHaveLength(2 * MANY)
      expect(attemptsOf(target, 'bob').at(-1)).toBe(next)
    },
  )
})

/** Each keeps a target from serving anything. */
const outages: Readonly<Record<string, Responder>> = {
  'has status 503': status(503),
  'has status 429': status(429),
  'cuts connections': (response) => response.destroy(),
}

describe('a target that is down', () => {
  test.each(Object.entries(outages))(
    'and %s gets one callback at a time, so that the others keep their attempts',
    async (_name, respond) => {
      const target = await startCallbackTarget()
      target.respond(respond)
      const { gateway, mint } = await start(target)
      await mint('alice', MANY)
      await untilLogged(gateway, 'warn', 5)
      const before = target.received.length
      expect(before).toBeLessThanOrEqual(40)
      target.respond(status(204))
      gateway.clock.advance(60)
      gateway.clock.advance(60)
      const received = await target.waitFor(before + MANY)
      const delivered = received.slice(before)
      expect(new Set(delivered.map(({ id }) => id)).size).toBe(MANY)
    },
  )
})

/** A response whose headers come at once, and whose body does not end. */
const endless =
  (code: number, headers: Readonly<Record<string, string>> = {}): Responder =>
  (response) => {
    response.writeHead(code, headers).write('ok')
  }

describe('a target whose response does not end', () => {
  test.each([
    [200, 'debug', 'callback delivered'],
    [410, 'error', 'callback is a dead letter'],
    [500, 'warn', 'callback failed'],
  ] as const)('with status %i has answered', async (code, level, message) => {
    const target = await startCallbackTarget()
    target.respond(endless(code))
    const { gateway, mint } = await start(target)
    await mint('alice')
    await target.waitFor(1)
    // The clock stands still: the attempt does not time out.
    await untilLogged(gateway, level, 1)
    expect(gateway.logs).toContainEqual({
      level,
      message: expect.stringContaining(message),
      fields: expect.objectContaining({ status: code }),
    })
  })

  test('with status 503 is asked again when its Retry-After says', async () => {
    const target = await startCallbackTarget()
    target.respond(endless(503, { 'retry-after': '45' }))
    const { gateway, mint } = await start(target)
    await mint('alice')
    await untilLogged(gateway, 'warn', 1)
    gateway.clock.advance(40)
    await mint('bob')
    expect(target.received).toHaveLength(1)
    gateway.clock.advance(6)
    await target.waitFor(3)
  })

  test('holds up a stop of the gateway for a moment only', async () => {
    const target = await startCallbackTarget()
    target.respond(endless(200))
    const { gateway, mint } = await start(target)
    await mint('alice')
    await target.waitFor(1)
    await gateway.stop()
    expect(logged(gateway, 'debug')).toEqual([expect.objectContaining({ status: 200 })])
  })
})
