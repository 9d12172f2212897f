/** UploadStore contract: lists in both directions with every filter, and counts. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type {
  UploadCursor,
  UploadFilter,
  UploadStore,
} from '../../src/uploads/ports/upload-store.ts'
import {
  type Upload,
  listedStatuses,
  uploadProtocols,
  uploadStatuses,
} from '../../src/uploads/upload.ts'
import { after, reservationOf } from '../kit/samples.ts'
import { type Suite, changeOf, unlimited, numbered } from './store-suite.ts'

type Direction = 'older' | 'newer'

const idsOf = (uploads: readonly Upload[]): string[] => uploads.map(({ id }) => id)

/** Oldest first, the order of the list: by creation, then by id. */
function byAge(a: UploadCursor, b: UploadCursor): number {
  const age = a.createdAt.getTime() - b.createdAt.getTime()
  return age === 0 ? Number(a.id > b.id) - Number(a.id < b.id) : age
}

/** Reads all pages; `between` runs after each page. */
async function readAllPages(
  store: UploadStore,
  direction: Direction,
  limit: number,
  between: (page: number) => Promise<unknown> = async () => {},
): Promise<string[]> {
  const seen: Upload[] = []
  for (let page = 0; ; page += 1) {
    const from = seen.at(-1)
    const range = { direction, limit, ...(from === undefined ? {} : { from }) }
    const uploads = await store.list({}, range)
    if (uploads.length === 0) return idsOf(seen)
    seen.push(...uploads)
    await between(page)
  }
}

export function describeLists({ store, mint }: Suite): void {
  describe('list', () => {
    test('sorts newest or oldest first, and by id for equal times', async () => {
      for (const [id, second] of [
        ['b', 1],
        ['d', 2],
        ['a', 1],
        ['c', 1],
        ['e', 0],
      ] as const) {
        await mint({ id, createdAt: after(second) })
      }
      const all = { limit: 9 } as const
      expect(idsOf(await store().list({}, { ...all, direction: 'older' }))).toEqual([
        'd',
        'c',
        'b',
        'a',
        'e',
      ])
      expect(idsOf(await store().list({}, { ...all, direction: 'newer' }))).toEqual([
        'e',
        'a',
        'b',
        'c',
        'd',
      ])
      expect(idsOf(await store().list({}, { direction: 'older', limit: 2 }))).toEqual(['d', 'c'])
      expect(idsOf(await store().list({}, { direction: 'newer', limit: 2 }))).toEqual(['e', 'a'])
      const from = { createdAt: after(1), id: 'b' }
      expect(idsOf(await store().list({}, { ...all, direction: 'older', from }))).toEqual([
        'a',
        'e',
      ])
      expect(idsOf(await store().list({}, { ...all, direction: 'newer', from }))).toEqual([
        'c',
        'd',
      ])
    })

    test('starts at any cursor, whether an upload exists there or not', async () => {
      for (const id of ['a', 'c']) await mint({ id, createdAt: after(1) })
      const from = { createdAt: after(1), id: 'b' }
      expect(idsOf(await store().list({}, { direction: 'older', limit: 9, from }))).toEqual(['a'])
      expect(idsOf(await store().list({}, { direction: 'newer', limit: 9, from }))).toEqual(['c'])
      const later = { createdAt: after(9), id: '' }
      expect(await store().list({}, { direction: 'newer', limit: 9, from: later })).toEqual([])
    })

    test('returns the same uploads as a linear search for every combination of filters', async () => {
      const uploads: Upload[] = []
      for (const [index, id] of numbered(24).entries()) {
        const status = uploadStatuses[(index * 5) % uploadStatuses.length] ?? 'READY'
        const upload = await mint({
          id,
          createdAt: after((index * 7) % 5),
          creator: ['alice', 'bob', 'carol'][index % 3] ?? 'dora',
          protocol: index % 2 === 0 ? 'TUS' : 'BASIC',
        })
        const change = changeOf(upload, { status })
        await store().saveVersion(change)
        uploads.push(change.upload)
      }
      const timestamp = fc.integer({ min: -1, max: 5 }).map(after)
      const filter = fc.record(
        {
          creator: fc.constantFrom('alice', 'bob', 'nobody'),
          statuses: fc.oneof(
            fc.subarray([...uploadStatuses]),
            fc.constant(listedStatuses),
            fc.constant(uploadStatuses),
          ),
          protocol: fc.constantFrom(...uploadProtocols),
          createdAfter: timestamp,
          createdBefore: timestamp,
        },
        { requiredKeys: [] },
      )
      const range = fc.record(
        {
          direction: fc.constantFrom<Direction>('older', 'newer'),
          limit: fc.integer({ min: 1, max: 30 }),
          from: fc.record({ createdAt: timestamp, id: fc.constantFrom(...numbered(24)) }),
        },
        { requiredKeys: ['direction', 'limit'] },
      )
      await fc.assert(
        fc.asyncProperty(filter, range, async (chosen, { direction, limit, from }) => {
          const older = direction === 'older'
          const expected = uploads
            .filter((upload) => matches(upload, chosen))
            .filter((upload) => from === undefined || byAge(upload, from) * (older ? -1 : 1) > 0)
            .toSorted((a, b) => byAge(a, b) * (older ? -1 : 1))
          const found = await store().list(chosen, {
            direction,
            limit,
            ...(from === undefined ? {} : { from }),
          })
          expect(found).toEqual(expected.slice(0, limit))
          expect(await store().count(chosen)).toBe(
            uploads.filter((upload) => matches(upload, chosen)).length,
          )
        }),
        { numRuns: 300 },
      )
    })

    test('returns uploads only, and count counts uploads only', async () => {
      await mint({ id: 'a' })
      expect(await store().count({})).toBe(1)
      expect(await store().count({ statuses: [] })).toBe(0)
      expect(await store().list({ statuses: [] }, { direction: 'older', limit: 9 })).toEqual([])
    })
  })

  describe('countByStatus', () => {
    test('has each status, counts uploads only, and reflects each change', async () => {
      const none = new Map(uploadStatuses.map((status) => [status, 0]))
      expect(await store().countByStatus()).toEqual(none)
      expect(await store().countReservations()).toBe(0)

      const [a] = [await mint({ id: 'a' }), await mint({ id: 'b', creator: 'bob' })]
      for (const id of ['c', 'd', 'e']) await store().reserve(reservationOf({ id }), unlimited)
      expect(await store().countByStatus()).toEqual(new Map([...none, ['PENDING_UPLOAD', 2]]))
      expect(await store().countReservations()).toBe(3)

      await store().saveVersion(changeOf(a, { status: 'READY' }))
      await store().retire('c')
      await store().release('d')
      expect(await store().countByStatus()).toEqual(
        new Map([...none, ['PENDING_UPLOAD', 1], ['READY', 1]]),
      )
      expect(await store().countReservations()).toBe(1)
    })

    test('equals count for each status', async () => {
      for (const [index, id] of numbered(17).entries()) {
        const upload = await mint({ id, protocol: index % 2 === 0 ? 'TUS' : 'BASIC' })
        const status = uploadStatuses[(index * 3) % uploadStatuses.length] ?? 'READY'
        await store().saveVersion(changeOf(upload, { status }))
      }
      const counted = await Promise.all(
        uploadStatuses.map(
          async (status) => [status, await store().count({ statuses: [status] })] as const,
        ),
      )
      expect(await store().countByStatus()).toEqual(new Map(counted))
      expect(await store().count({ statuses: ['READY', 'READY'] })).toBe(
        await store().count({ statuses: ['READY'] }),
      )
    })
  })

  describe('paging', () => {
    test.each<[Direction, number]>([
      ['older', 1],
      ['older', 3],
      ['newer', 4],
    ])(
      'towards %s with a limit of %d returns each upload once, with equal times',
      async (direction, limit) => {
        const ids = numbered(20)
        for (const [index, id] of ids.entries()) {
          await mint({ id, createdAt: after(Math.floor(index / 6)) })
        }
        const expected = direction === 'older' ? ids.toReversed() : ids
        expect(await readAllPages(store(), direction, limit)).toEqual(expected)
      },
    )

    test('towards older is not affected by new uploads', async () => {
      const ids = numbered(12)
      for (const id of ids) await mint({ id, createdAt: after(1) })
      const seen = await readAllPages(store(), 'older', 3, (page) =>
        mint({ id: `new-${page}`, createdAt: after(2 + page) }),
      )
      expect(seen).toEqual(ids.toReversed())
    })

    test('towards newer includes new uploads', async () => {
      const ids = numbered(6)
      for (const id of ids) await mint({ id, createdAt: after(1) })
      const seen = await readAllPages(store(), 'newer', 3, async (page) => {
        if (page < 2) await mint({ id: `new-${page}`, createdAt: after(2 + page) })
      })
      expect(seen).toEqual([...ids, 'new-0', 'new-1'])
    })
  })
}

function matches(upload: Upload, filter: UploadFilter): boolean {
  const { creator, statuses, protocol, createdAfter, createdBefore } = filter
  return (
    (creator === undefined || upload.creator === creator) &&
    (statuses === undefined || statuses.includes(upload.status)) &&
    (protocol === undefined || upload.protocol === protocol) &&
    (createdAfter === undefined || upload.createdAt > createdAfter) &&
    (createdBefore === undefined || upload.createdAt < createdBefore)
  )
}
