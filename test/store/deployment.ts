/** A deployment with something of everything, and all that its keeper tells of it. */
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { uploadStatuses } from '../../src/uploads/upload.ts'
import { changeOf, freely, mintIn } from '../contracts/store-suite.ts'
import { after, reservationOf } from '../kit/samples.ts'

/** An upload in each status, with all that it can hold, and one of each other kind of row. */
export async function fill(store: UploadStore): Promise<void> {
  for (const [place, status] of uploadStatuses.entries()) {
    const upload = await mintIn(store, {
      id: `upload-${place}`,
      protocol: place % 2 === 0 ? 'TUS' : 'BASIC',
      creator: place % 2 === 0 ? 'o\'hara; \\ {"a",NULL} --' : 'Zoë 🎬',
      name: place === 0 ? null : `${status} {"quoted", \\back\\slash}\n\t'NULL' 日本語 👩‍👩‍👧.mp4`,
      meta: {
        nested: { list: [1, -2.5e-7, 1e21, null, true, { deeper: ['ü', '\u0000', '\\u0000'] }] },
        'quote"key': "it's",
        '10': 'first of its kind',
        '2': 'before it',
        big: Number.MAX_SAFE_INTEGER,
      },
      constraints: {
        maxDurationSeconds: 36_000,
        maxSizeBytes: Number.MAX_SAFE_INTEGER,
        allowedOrigins: place === 0 ? [] : ['example.com', '*.example.com'],
        requireSignedURLs: place % 2 === 1,
        scheduledDeletion: place === 0 ? null : new Date('2029-02-28T23:59:59.999Z'),
      },
      createdAt: after(place + 0.001),
      totalBytes: place === 0 ? null : 30_000_000_001,
      idempotencyKey: place === 0 ? null : `schlüssel 🔑 ${place}`,
      requestedBy: `requester ${place % 3}`,
    })
    if (status === 'PENDING_UPLOAD') continue
    const isReady = status === 'READY'
    const change = changeOf(
      upload,
      {
        status,
        updatedAt: after(place + 1.999),
        progress: {
          totalBytes: 30_000_000_001,
          receivedBytes: 29_999_999_999,
          encodingPercent: 39.1 + place / 3,
        },
        failure:
          status === 'ERROR' ? { code: 'ERR_NON_VIDEO', message: 'Das ist kein „Video“.' } : null,
        video: isReady
          ? {
              durationSeconds: 12.345678901234,
              width: 3840,
              height: 2160,
              sizeBytes: 29_999_999_999,
              hlsURL: "https://example.com/video.m3u8?a={b},'c'",
              dashURL: 'https://example.com/video.mpd',
              thumbnailURL: 'https://example.com/thumbnail.jpg',
              previewURL: null,
              readyAt: after(place + 1.5),
            }
          : null,
        describedAt: isReady ? after(place + 1.002) : null,
        goneAt: status === 'DELETED' ? after(place + 1.003) : null,
      },
      {
        event: { status, source: 'WEBHOOK', at: after(place + 1.25) },
        holds: { reservedSeconds: isReady ? 0 : 36_000, storedSeconds: isReady ? 13 : 0 },
        pollAt: place % 2 === 0 ? after(100 + place) : null,
      },
    )
    if (!(await store.saveVersion(change))) throw new Error('The upload was not advanced.')
    const [uid, version] = [upload.uid, 2]
    if (place % 2 === 0) {
      await store.reschedulePolls([{ uid, version, pollAt: after(200 + place), idlePolls: place }])
    }
  }
  await store.reserve(
    reservationOf({ id: 'waiting', creator: 'bob', idempotencyKey: 'waits', totalBytes: 7 }),
    freely,
  )
  await store.reserve(reservationOf({ id: 'given-up', creator: 'bob' }), freely)
  await store.retire('given-up')
  await store.saveUnmatchedWebhook('stranger', '{"second":"ü"}', after(3))
  await store.saveUnmatchedWebhook('stranger', '{"first":"\\u0000"}', after(2))
  await store.saveUnmatchedWebhook('other', '{"second":"ü"}', after(4))
}

/** All that a port tells without changing anything. */
export async function toldBy(store: UploadStore) {
  const all = await store.list({}, { direction: 'older', limit: 10_000 })
  const ids = [...all.map(({ id }) => id), 'waiting', 'given-up']
  return {
    deployment: store.deployment,
    all,
    histories: await store.historyOf(ids),
    fates: await store.findReferences(ids),
    unsettled: await store.pendingReservations(after(1000), 100),
    counts: await store.countByStatus(),
    reservations: await store.countReservations(),
    tus: await store.count({ protocol: 'TUS' }),
    holdings: await Promise.all(
      [undefined, 'Zoë 🎬', 'bob', 'creator-3'].map((creator) => store.quotaUsage(creator)),
    ),
    notices: await Promise.all(['stranger', 'other'].map((uid) => store.unmatchedWebhooks(uid))),
    oldestDue: await store.oldestDuePoll(),
    keyed: await store.findByKey('requester 1', 'schlüssel 🔑 1', after(-1000)),
    waiting: await store.findByKey('alice', 'waits', after(-1000)),
  }
}
