/** CreationStore contract, for a store with its own rate limits and for one beside a rate limiter. */
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AdmitRules, CreationStore } from '../../src/uploads/ports/creation-store.ts'
import type { RateLimiter } from '../../src/uploads/ports/rate-limiter.ts'
import type { Reservation, UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { CREATED_AT, after, reservationOf } from '../kit/samples.ts'
import { uidOf, uploadURLOf } from './store-suite.ts'

/** Empty stores of gateways on one database, with their rate limiter. */
export interface OpenedCreations {
  /** At least one. */
  readonly creations: readonly CreationStore[]
  readonly store: UploadStore
  /** Counts at CREATED_AT. */
  readonly rateLimiter: RateLimiter
  close(): Promise<void>
}

const WINDOW_MS = 60_000
const SECONDS = reservationOf().constraints.maxDurationSeconds

/** Limits of a caller; without a quota if omitted. */
function rulesOf(caller: string, limit: number, uploadsInQuota?: number): AdmitRules {
  return {
    creatorQuotaSeconds: uploadsInQuota === undefined ? null : uploadsInQuota * SECONDS,
    keysValidSince: after(-86_400),
    rateLimit: { key: `mint:${caller}`, windows: [{ limit, windowMs: WINDOW_MS }] },
  }
}

/** One request of the property: who asks for whom, with which key. */
const requests = fc.array(
  fc.record({
    requestedBy: fc.constantFrom('alice', 'bob', 'admin'),
    creator: fc.constantFrom('alice', 'bob'),
    idempotencyKey: fc.constantFrom(null, null, 'one', 'two'),
    tokenId: fc.constantFrom(null, null, 'link', 'other link'),
  }),
  { minLength: 1, maxLength: 40 },
)

export function describeCreationStore(name: string, open: () => Promise<OpenedCreations>): void {
  describe(`${name} fulfills the CreationStore contract`, () => {
    let opened: OpenedCreations
    beforeEach(async () => {
      opened = await open()
    })
    afterEach(() => opened.close())

    function admit(fields: Partial<Reservation>, rules: AdmitRules, gateway = 0) {
      const creations = opened.creations[gateway % opened.creations.length]
      if (creations === undefined) throw new Error('No store is open.')
      return creations.admit(reservationOf(fields), rules)
    }
    const unitsOf = (caller: string) =>
      opened.rateLimiter.countConsumed(`mint:${caller}`, WINDOW_MS)

    test('admits up to the rate limit of each caller', async () => {
      const rules = rulesOf('alice', 2)
      expect(await admit({ id: 'a' }, rules)).toEqual({ kind: 'reserved' })
      expect(await admit({ id: 'b' }, rules)).toEqual({ kind: 'reserved' })
      expect(await admit({ id: 'c' }, rules)).toEqual({
        kind: 'rate-limited',
        retryAfterSeconds: 60,
      })
      const bob = { requestedBy: 'bob', creator: 'bob' }
      expect(await admit({ id: 'd', ...bob }, rulesOf('bob', 2))).toEqual({ kind: 'reserved' })
      expect(await opened.store.countReservations()).toBe(3)
    })

    test('counts the units of its RateLimiter', async () => {
      const { key, windows } = rulesOf('alice', 2).rateLimit
      await opened.rateLimiter.consume(key, windows)
      expect(await admit({ id: 'a' }, rulesOf('alice', 2))).toEqual({ kind: 'reserved' })
      expect(await opened.rateLimiter.consume(key, windows)).toEqual({
        kind: 'rejected',
        retryAfterSeconds: 60,
      })
      expect(await unitsOf('alice')).toBe(2)
    })

    test('a key in use takes precedence over full limits, and consumes no unit', async () => {
      const fields = { id: 'a', idempotencyKey: 'key' }
      expect(await admit(fields, rulesOf('alice', 1, 1))).toEqual({ kind: 'reserved' })
      for (const id of ['b', 'c']) {
        expect(await admit({ ...fields, id }, rulesOf('alice', 1, 1))).toMatchObject({
          kind: 'key-in-use',
          reservation: { id: 'a' },
          upload: null,
        })
      }
      expect(await unitsOf('alice')).toBe(1)
    })

    test('the rate limit takes precedence over the quota, which consumes a unit', async () => {
      expect(await admit({ id: 'a' }, rulesOf('alice', 2, 1))).toEqual({ kind: 'reserved' })
      const overQuota = { kind: 'over-quota', usedSeconds: SECONDS }
      expect(await admit({ id: 'b' }, rulesOf('alice', 2, 1))).toEqual(overQuota)
      expect(await admit({ id: 'c' }, rulesOf('alice', 2, 1))).toMatchObject({
        kind: 'rate-limited',
      })
      expect(await opened.store.countReservations()).toBe(1)
    })

    test('the rate limit takes precedence over the limit of the token, which consumes a unit', async () => {
      const rules = { ...rulesOf('alice', 2), tokenLimit: { tokenId: 'link', maxUploads: 1 } }
      expect(await admit({ id: 'a' }, rules)).toEqual({ kind: 'reserved' })
      expect(await admit({ id: 'b' }, rules)).toEqual({ kind: 'token-used-up' })
      expect(await admit({ id: 'c' }, rules)).toMatchObject({ kind: 'rate-limited' })
      expect(await unitsOf('alice')).toBe(2)
    })

    test('a key is free again once it has expired', async () => {
      const fields = { idempotencyKey: 'key' }
      await admit({ ...fields, id: 'a' }, rulesOf('alice', 9))
      const [creations] = opened.creations
      const video = { uid: uidOf('a'), uploadURL: uploadURLOf('a') }
      await creations?.record(reservationOf({ id: 'a' }), video, after(1), after(15))
      const later = { ...rulesOf('alice', 9), keysValidSince: after(1) }
      expect(await admit({ ...fields, id: 'b' }, rulesOf('alice', 9))).toMatchObject({
        kind: 'key-in-use',
        upload: { id: 'a' },
      })
      expect(await admit({ ...fields, id: 'b' }, later)).toEqual({ kind: 'reserved' })
    })

    test('a write that fails consumes no unit, and fails no concurrent one', async () => {
      await admit({ id: 'a' }, rulesOf('alice', 9))
      const outcomes = await Promise.allSettled(
        ['a', 'b', 'c'].map((id) => admit({ id }, rulesOf('alice', 9))),
      )
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
      expect(await unitsOf('alice')).toBe(3)
    })

    test('records an upload once, and null without its reservation', async () => {
      const [creations] = opened.creations
      const record = (id: string, uid: string) =>
        creations?.record(
          reservationOf({ id }),
          { uid, uploadURL: uploadURLOf(uid) },
          after(1),
          after(15),
        )
      for (const id of ['a', 'b']) await admit({ id }, rulesOf('alice', 9))
      const recorded = await Promise.all([
        record('a', 'first'),
        record('a', 'second'),
        record('b', 'third'),
        record('nobody', 'fourth'),
      ])
      expect(new Set(recorded.map((written) => written?.upload.uid ?? null))).toEqual(
        new Set(['first', 'third', null]),
      )
      expect(recorded.filter((written) => written !== null)).toHaveLength(2)
    })

    test('reads the webhooks stored for the uid, unless it reads none', async () => {
      await opened.store.saveUnmatchedWebhook('uid', 'second', after(2))
      await opened.store.saveUnmatchedWebhook('uid', 'first', after(1))
      await opened.store.saveUnmatchedWebhook('other', 'third', after(1))
      await admit({ id: 'a' }, rulesOf('alice', 9))
      const video = { uid: 'uid', uploadURL: uploadURLOf('a') }
      const reservation = reservationOf({ id: 'a' })
      const recorded = await opened.creations[0]?.record(reservation, video, after(3), after(15))
      expect(recorded?.webhooks ?? (await opened.store.unmatchedWebhooks('uid'))).toEqual([
        'first',
        'second',
      ])
    })

    test('in order: the first of concurrent requests consume the units', async () => {
      const creations = opened.creations[0]?.inOrder()
      if (creations === undefined) throw new Error('No store is open.')
      await admit({ id: 'earlier', idempotencyKey: 'in use' }, rulesOf('alice', 9))
      const keys = ['z', null, 'in use', 'm', 'a', null]
      const outcomes = await Promise.all(
        keys.map((idempotencyKey, index) =>
          creations.admit(reservationOf({ id: `${index}`, idempotencyKey }), rulesOf('alice', 5)),
        ),
      )
      expect(outcomes.map(({ kind }) => kind)).toEqual([
        'reserved',
        'reserved',
        'key-in-use',
        'reserved',
        'reserved',
        'rate-limited',
      ])
    })

    test('concurrent requests with one key consume one unit', async () => {
      const outcomes = await Promise.all(
        ['a', 'b', 'c'].map((id) => admit({ id, idempotencyKey: 'key' }, rulesOf('alice', 9))),
      )
      expect(outcomes.map(({ kind }) => kind)).toEqual(['reserved', 'key-in-use', 'key-in-use'])
      expect(await unitsOf('alice')).toBe(1)
    })

    test('concurrent requests exceed no limit and share no key', async () => {
      let run = 0
      await fc.assert(
        fc.asyncProperty(requests, fc.integer({ min: 1, max: 9 }), async (plan, limit) => {
          run += 1
          const named = (text: string): string => `${text} ${run}`
          const items = plan.map(({ requestedBy, creator, idempotencyKey, tokenId }, index) => ({
            id: named(`${index}`),
            requestedBy: named(requestedBy),
            creator: named(creator),
            idempotencyKey,
            tokenId: tokenId === null ? null : named(tokenId),
          }))
          const outcomes = await Promise.all(
            items.map(async (item, gateway) => {
              const { tokenId, ...fields } = item
              const tokenLimit = tokenId === null ? null : { tokenId, maxUploads: 3 }
              const rules = { ...rulesOf(item.requestedBy, limit, 5), tokenLimit }
              const { kind } = await admit(fields, rules, gateway)
              return { item, kind }
            }),
          )
          const reserved = outcomes.filter(({ kind }) => kind === 'reserved')
          for (const person of ['alice', 'bob', 'admin'].map(named)) {
            const consumed = outcomes.filter(
              ({ item, kind }) =>
                item.requestedBy === person &&
                ['reserved', 'over-quota', 'token-used-up'].includes(kind),
            )
            expect(consumed.length).toBeLessThanOrEqual(limit)
            const ofCreator = reserved.filter(({ item }) => item.creator === person)
            expect(ofCreator.length).toBeLessThanOrEqual(5)
            const { reservedSeconds } = await opened.store.quotaUsage(person)
            expect(reservedSeconds).toBe(ofCreator.length * SECONDS)
          }
          for (const token of ['link', 'other link'].map(named)) {
            const ofToken = reserved.filter(({ item }) => item.tokenId === token)
            expect(ofToken.length).toBeLessThanOrEqual(3)
            expect(await opened.store.countByToken(token)).toBe(ofToken.length)
          }
          const keys = reserved.flatMap(({ item }) =>
            item.idempotencyKey === null ? [] : `${item.requestedBy} ${item.idempotencyKey}`,
          )
          expect(new Set(keys).size).toBe(keys.length)
          expect(reserved.length).toBeGreaterThan(0)
        }),
        { numRuns: 20 },
      )
    })
  })
}

/** The time at which the rate limiter of a suite counts. */
export const countedAt = (): number => CREATED_AT.getTime()
