/** The storage sums that are kept up to date are those that every row adds up to, whatever happens. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { openDatabase } from '../../src/emulator/state/database.ts'
import { storageTotals } from '../../src/emulator/state/storage.ts'
import { VideoLibrary } from '../../src/emulator/state/video-library.ts'
import type { Video } from '../../src/emulator/state/video.ts'

/** One thing that happens to one of a few videos, or to the time; the account may be looked at after it. */
const happenings = fc.record({
  does: fc.constantFrom(
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
  looks: fc.boolean(),
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
  }
}

function facts(durationSeconds: number, fails: boolean) {
  const failure = fails ? { code: 'ERR_UNKNOWN', text: 'x' } : null
  return { contentType: 'video/mp4', width: 640, height: 360, durationSeconds, failure }
}

/** What time it is afterwards. */
function happen(
  library: VideoLibrary,
  { does, uid, amount }: { readonly does: string; readonly uid: string; readonly amount: number },
  now: number,
): number {
  const video = library.find(uid)
  if (does === 'mint' && video === null) library.insert(pending(uid, now, amount))
  if (does === 'receive') library.markReceived(uid, 1, now, amount)
  if ((does === 'read' || does === 'fail') && typeof video?.receivedAt === 'number') {
    library.setMedia(uid, facts(amount, does === 'fail'))
  }
  if (does === 'lengthen') {
    library.update(uid, { maxDurationSeconds: amount + 1, uploadExpiry: now + amount }, now)
  }
  if (does === 'remove') library.remove(uid)
  if (does === 'remove all') library.removeAll()
  if (does === 'wait') return now + amount
  return does === 'set back' ? Math.max(0, now - amount) : now
}

test('the sums that are kept are the sums of all rows', () => {
  fc.assert(
    fc.property(fc.array(happenings, { maxLength: 40 }), (story) => {
      const database = openDatabase(':memory:')
      const library = new VideoLibrary(database)
      let now = 1000
      const looks = [...story, { does: 'nothing', uid: 'a', amount: 0, looks: true }].flatMap(
        (happening) => {
          now = happen(library, happening, now)
          // Looking is what moves the tally on: whatever happens between two looks must add up too.
          return happening.looks
            ? [{ kept: library.storage(now), summed: storageTotals(database, now) }]
            : []
        },
      )
      expect(looks.map(({ kept }) => kept)).toEqual(looks.map(({ summed }) => summed))
      database.close()
    }),
    { numRuns: 300 },
  )
})
