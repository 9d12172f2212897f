/** The incremental storage totals equal the sums over all rows after any sequence of events. */
import * as fc from 'fast-check'
import { expect, test, vi } from 'vitest'

import { openDatabase } from '../../src/emulator/state/database.ts'
import { storageTotals } from '../../src/emulator/state/storage.ts'
import { VideoLibrary } from '../../src/emulator/state/video-library.ts'
import type { Video } from '../../src/emulator/state/video.ts'

/** One event of one of four videos or of the clock; the totals may be read after it. */
const events = fc.record({
  action: fc.constantFrom(
    'mint',
    'receive',
    'read',
    'fail',
    'lengthen',
    'remove',
    'remove all',
    'wait',
    'set back',
  ),
  uid: fc.constantFrom('a', 'b', 'c', 'd'),
  amount: fc.nat(300),
  readsTotals: fc.boolean(),
})

function pending(uid: string, now: number, amount: number): Video {
  return {
    uid,
    kind: 'basic',
    uploadId: uid,
    creator: null,
    meta: {},
    allowedOrigins: [],
    requireSignedURLs: false,
    scheduledDeletion: null,
    thumbnailTimestampPct: 0,
    publicDetails: {},
    maxDurationSeconds: amount + 1,
    uploadExpiry: now + amount,
    uploadLength: null,
    uploadMetadata: null,
    createdMicroseconds: now * 1000,
    changedAt: now,
    receivedAt: null,
    finishesAt: null,
    sizeBytes: null,
    media: null,
    watermark: null,
  }
}

function mediaInfo(durationSeconds: number, fails: boolean) {
  const failure = fails ? { code: 'ERR_UNKNOWN', text: 'x' } : null
  return { contentType: 'video/mp4', width: 640, height: 360, durationSeconds, failure }
}

/** Applies the event; returns the time after it. */
function apply(
  library: VideoLibrary,
  {
    action,
    uid,
    amount,
  }: { readonly action: string; readonly uid: string; readonly amount: number },
  now: number,
): number {
  const video = library.find(uid)
  if (action === 'mint' && video === null) library.insert(pending(uid, now, amount))
  if (action === 'receive') library.markReceived(uid, 1, now, amount)
  if ((action === 'read' || action === 'fail') && typeof video?.receivedAt === 'number') {
    library.setMedia(uid, mediaInfo(amount, action === 'fail'))
  }
  if (action === 'lengthen') {
    library.update(uid, { maxDurationSeconds: amount + 1, uploadExpiry: now + amount }, now)
  }
  if (action === 'remove') library.remove(uid)
  if (action === 'remove all') library.removeAll()
  if (action === 'wait') return now + amount
  return action === 'set back' ? Math.max(0, now - amount) : now
}

test('the stored totals equal the sums of all rows', () => {
  fc.assert(
    fc.property(fc.array(events, { maxLength: 40 }), (sequence) => {
      const database = openDatabase(':memory:')
      const library = new VideoLibrary(database)
      let now = 1000
      const readings = [
        ...sequence,
        { action: 'nothing', uid: 'a', amount: 0, readsTotals: true },
      ].flatMap((event) => {
        now = apply(library, event, now)
        // Reading updates the totals, so the test must also cover events between two readings.
        return event.readsTotals
          ? [{ stored: library.storage(now), summed: storageTotals(database, now) }]
          : []
      })
      expect(readings.map(({ stored }) => stored)).toEqual(readings.map(({ summed }) => summed))
      database.close()
    }),
    { numRuns: 300 },
  )
})

test('uploads that expire together are summed without reading their rows', () => {
  const database = openDatabase(':memory:')
  const library = new VideoLibrary(database)
  for (const uid of ['a', 'b', 'c']) library.insert(pending(uid, 1000, 10))
  library.insert(pending('d', 1000, 20))
  expect(library.storage(1009).reservedSeconds).toBe(3 * 11 + 21)
  const parse = vi.spyOn(JSON, 'parse')
  expect(library.storage(1010).reservedSeconds).toBe(21)
  // Each row has JSON.
  expect(parse).not.toHaveBeenCalled()
  parse.mockRestore()
  database.close()
})
