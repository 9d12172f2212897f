/** Contract of an UploadStore: lists, in both directions and with every filter, and counts. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type {
  UploadCursor,
  UploadFilter,
  UploadStore,
} from '../../src/uploads/ports/upload-store.ts'
import { type Upload, uploadProtocols, uploadStatuses } from '../../src/uploads/upload.ts'
import { after, reservationOf } from '../kit/samples.ts'
import { type Suite, changeOf, freely, numbered } from './store-suite.ts'

type Towards = 'older' | 'newer'

const idsOf = (uploads: readonly Upload[]): string[] => uploads.map(({ id }) => id)

/** Oldest first, as the list is ordered: by creation, then by id. */
function byAge(a: UploadCursor, b: UploadCursor): number {
  const age = a.createdAt.getTime() - b.createdAt.getTime()
  return age === 0 ? Number(a.id > b.id) - Number(a.id < b.id) : age
}

/** Reads page after page until there is no more; `between` happens after each of them. */
async function walk(
  store: UploadStore,
  direction: Towards,
  limit: number,
  between: (page: number) => Promise<unknown> = async () => {},
): Promise<string[]> {
  const seen: Upload[] = []
  for (let page = 0; ; page += 1) {
    const from = seen.at(-1)
    const stretch = { direction, limit, ...(from === undefined ? {} : { from }) }
    const uploads = await store.list({}, stretch)
    if (uploads.length === 0) return idsOf(seen)
    seen.push(...uploads)
    await between(page)
  }
}

export function describeLists({ store, mint }: Suite): void {
  describe('lists', () => {
    test('go down from the newest or up from the oldest, and by id where the time is the same', async () => {
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

    test('start at any position, whether or not something stands there', async () => {
      for (const id of ['a', 'c']) await mint({ id, createdAt: after(1) })
      const from = { createdAt: after(1), id: 'b' }
      expect(idsOf(await store().list({}, { direction: 'older', limit: 9, from }))).toEqual(['a'])
      expect(idsOf(await store().list({}, { direction: 'newer', limit: 9, from }))).toEqual(['c'])
      const later = { createdAt: after(9), id: '' }
      expect(await store().list({}, { direction: 'newer', limit: 9, from: later })).toEqual([])
    })

    test('with each filter, alone and together, hold what a plain search finds', async () => {
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
      const selection = fc.record(
        {
          creator: fc.constantFrom('alice', 'bob', 'nobody'),
          statuses: fc.subarray([...uploadStatuses]),
          protocol: fc.constantFrom(...uploadProtocols),
          createdAfter: timestamp,
          createdBefore: timestamp,
        },
        { requiredKeys: [] },
      )
      const stretch = fc.record(
        {
          direction: fc.constantFrom<Towards>('older', 'newer'),
          limit: fc.integer({ min: 1, max: 30 }),
          from: fc.record({ createdAt: timestamp, id: fc.constantFrom(...numbered(24)) }),
        },
        { requiredKeys: ['direction', 'limit'] },
      )
      await fc.assert(
        fc.asyncProperty(selection, stretch, async (chosen, { direction, limit, from }) => {
          const older = direction === 'older'
          const expected = uploads
            .filter((upload) => fits(upload, chosen))
            .filter((upload) => from === undefined || byAge(upload, from) * (older ? -1 : 1) > 0)
            .toSorted((a, b) => byAge(a, b) * (older ? -1 : 1))
          const found = await store().list(chosen, {
            direction,
            limit,
            ...(from === undefined ? {} : { from }),
          })
          expect(found).toEqual(expected.slice(0, limit))
          expect(await store().count(chosen)).toBe(
            uploads.filter((upload) => fits(upload, chosen)).length,
          )
        }),
        { numRuns: 300 },
      )
    })

    test('hold uploads only, and so do counts', async () => {
      await mint({ id: 'a' })
      expect(await store().count({})).toBe(1)
      expect(await store().count({ statuses: [] })).toBe(0)
      expect(await store().list({ statuses: [] }, { direction: 'older', limit: 9 })).toEqual([])
    })
  })

  describe('counts by status', () => {
    test('name each status, hold uploads only, and follow each change', async () => {
      const none = new Map(uploadStatuses.map((status) => [status, 0]))
      expect(await store().countByStatus()).toEqual(none)
      expect(await store().countReservations()).toBe(0)

      const [a] = [await mint({ id: 'a' }), await mint({ id: 'b', creator: 'bob' })]
      for (const id of ['c', 'd', 'e']) await store().reserve(reservationOf({ id }), freely)
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

    test('are what counting by each of them says', async () => {
      for (const [index, id] of numbered(17).entries()) {
        const upload = await mint({ id, protocol: index % 2 === 0 ? 'TUS' : 'BASIC' })
        const status = uploadStatuses[(index * 3) % uploadStatuses.length] ?? 'READY'
        await store().saveVersion(changeOf(upload, { status }))
      }
      const counted = await Promise.all(
        uploadStatuses.map(async (one) => [one, await store().count({ statuses: [one] })] as const),
      )
      expect(await store().countByStatus()).toEqual(new Map(counted))
      expect(await store().count({ statuses: ['READY', 'READY'] })).toBe(
        await store().count({ statuses: ['READY'] }),
      )
    })
  })

  describe('walking page by page', () => {
    test.each<[Towards, number]>([
      ['older', 1],
      ['older', 3],
      ['newer', 4],
    ])('towards %s by %d meets each exactly once, through ties', async (towards, limit) => {
      const ids = numbered(20)
      for (const [index, id] of ids.entries()) {
        await mint({ id, createdAt: after(Math.floor(index / 6)) })
      }
      const expected = towards === 'older' ? ids.toReversed() : ids
      expect(await walk(store(), towards, limit)).toEqual(expected)
    })

    test('towards older is not disturbed by new ones', async () => {
      const ids = numbered(12)
      for (const id of ids) await mint({ id, createdAt: after(1) })
      const seen = await walk(store(), 'older', 3, (page) =>
        mint({ id: `new-${page}`, createdAt: after(2 + page) }),
      )
      expect(seen).toEqual(ids.toReversed())
    })

    test('towards newer meets the new ones too', async () => {
      const ids = numbered(6)
      for (const id of ids) await mint({ id, createdAt: after(1) })
      const seen = await walk(store(), 'newer', 3, async (page) => {
        if (page < 2) await mint({ id: `new-${page}`, createdAt: after(2 + page) })
      })
      expect(seen).toEqual([...ids, 'new-0', 'new-1'])
    })
  })
}

function fits(upload: Upload, selection: UploadFilter): boolean {
  const { creator, statuses, protocol, createdAfter, createdBefore } = selection
  return (
    (creator === undefined || upload.creator === creator) &&
    (statuses === undefined || statuses.includes(upload.status)) &&
    (protocol === undefined || upload.protocol === protocol) &&
    (createdAfter === undefined || upload.createdAt > createdAfter) &&
    (createdBefore === undefined || upload.createdAt < createdBefore)
  )
}
