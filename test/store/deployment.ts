/** Fills a deployment with every kind of row, and reads everything its store returns. */
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { uploadStatuses } from '../../src/uploads/upload.ts'
import { changeOf, unlimited, mintIn } from '../contracts/store-suite.ts'
import { after, reservationOf } from '../kit/samples.ts'

/** Adds an upload in each status with every field set, and a row of every other kind. */
export async function fillWithSamples(store: UploadStore): Promise<void> {
  for (const [index, status] of uploadStatuses.entries()) {
    const upload = await mintIn(store, {
      id: `upload-${index}`,
      protocol: index % 2 === 0 ? 'TUS' : 'BASIC',
      creator: index % 2 === 0 ? 'o\'hara; \\ {"a",NULL} --' : 'Zoë 🎬',
      name: index === 0 ? null : `${status} {"quoted", \\back\\slash}\n\t'NULL' 日本語 👩‍👩‍👧.mp4`,
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
        allowedOrigins: index === 0 ? [] : ['example.com', '*.example.com'],
        requireSignedURLs: index % 2 === 1,
        scheduledDeletion: index === 0 ? null : new Date('2029-02-28T23:59:59.999Z'),
      },
      createdAt: after(index + 0.001),
      totalBytes: index === 0 ? null : 30_000_000_001,
      idempotencyKey: index === 0 ? null : `schlüssel 🔑 ${index}`,
      requestedBy: `requester ${index % 3}`,
    })
    if (status === 'PENDING_UPLOAD') continue
    const isReady = status === 'READY'
    const change = changeOf(
      upload,
      {
        status,
        updatedAt: after(index + 1.999),
        progress: {
          totalBytes: 30_000_000_001,
          receivedBytes: 29_999_999_999,
          encodingPercent: 39.1 + index / 3,
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
              readyAt: after(index + 1.5),
            }
          : null,
        describedAt: isReady ? after(index + 1.002) : null,
        goneAt: status === 'DELETED' ? after(index + 1.003) : null,
      },
      {
        event: { status, source: 'WEBHOOK', at: after(index + 1.25) },
        quotaUsage: { reservedSeconds: isReady ? 0 : 36_000, storedSeconds: isReady ? 13 : 0 },
        pollAt: index % 2 === 0 ? after(100 + index) : null,
      },
    )
    if (!(await store.saveVersion(change))) throw new Error('The version was not saved.')
    const [uid, version] = [upload.uid, 2]
    if (index % 2 === 0) {
      await store.reschedulePolls([{ uid, version, pollAt: after(200 + index), idlePolls: index }])
    }
  }
  await store.reserve(
    reservationOf({ id: 'waiting', creator: 'bob', idempotencyKey: 'waits', totalBytes: 7 }),
    { ...unlimited, tokenLimit: { tokenId: 'link', maxUploads: 3 } },
  )
  await store.reserve(reservationOf({ id: 'discarded', creator: 'bob' }), unlimited)
  await store.retire('discarded')
  await store.saveUnmatchedWebhook('stranger', '{"second":"ü"}', after(3))
  await store.saveUnmatchedWebhook('stranger', '{"first":"\\u0000"}', after(2))
  await store.saveUnmatchedWebhook('other', '{"second":"ü"}', after(4))
}

/** Reads everything that the port returns without writing. */
export async function readAll(store: UploadStore) {
  const all = await store.list({}, { direction: 'older', limit: 10_000 })
  const ids = [...all.map(({ id }) => id), 'waiting', 'discarded']
  return {
    deployment: store.deployment,
    all,
    histories: await store.historyOf(ids),
    references: await store.findReferences(ids),
    pending: await store.pendingReservations(after(1000), 100),
    counts: await store.countByStatus(),
    reservations: await store.countReservations(),
    tus: await store.count({ protocol: 'TUS' }),
    quotaUsage: await Promise.all(
      [undefined, 'Zoë 🎬', 'bob', 'creator-3'].map((creator) => store.quotaUsage(creator)),
    ),
    ofToken: await store.countByToken('link'),
    webhooks: await Promise.all(['stranger', 'other'].map((uid) => store.unmatchedWebhooks(uid))),
    oldestDue: await store.oldestDuePoll(),
    keyed: await store.findByKey('requester 1', 'schlüssel 🔑 1', after(-1000)),
    waiting: await store.findByKey('alice', 'waits', after(-1000)),
  }
}
