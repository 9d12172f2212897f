/** A Worker with only a D1 store, for tests inside workerd. */
import type { D1Database } from '../../src/store/d1/d1-client.ts'
import { createD1Store } from '../../src/store/d1/d1-store.ts'
import type { Reservation } from '../../src/uploads/ports/upload-store.ts'

const createdAt = new Date('2026-03-01T12:00:00.123Z')

/** Mints one upload named after the path, and responds with its outcome and the list. */
export default {
  async fetch(request: Request, { DB }: { readonly DB: D1Database }): Promise<Response> {
    const id = new URL(request.url).pathname.slice(1)
    const store = await createD1Store(DB)
    const reservation: Reservation = {
      id,
      protocol: 'TUS',
      creator: 'alice',
      name: null,
      meta: { from: 'workerd' },
      constraints: {
        maxDurationSeconds: 600,
        maxSizeBytes: 200_000_000,
        allowedOrigins: [],
        requireSignedURLs: false,
        scheduledDeletion: null,
      },
      expiresAt: createdAt,
      createdAt,
      totalBytes: 30_000_000_000,
      idempotencyKey: 'key',
      fingerprint: '',
      requestedBy: 'alice',
    }
    const rules = { creatorQuotaSeconds: 6000, keysValidSince: createdAt }
    const { kind } = await store.reserve(reservation, rules)
    const minted = { uid: `uid-of-${id}`, uploadURL: 'https://upload.example.com/x' }
    const upload = await store.mint(reservation, minted, createdAt, createdAt)
    const list = await store.list({}, { direction: 'older', limit: 9 })
    return Response.json({ kind, upload, list })
  },
}
