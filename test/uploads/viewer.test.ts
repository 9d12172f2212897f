/** Which viewers may share the result of a request. */
import { expect, test } from 'vitest'
import { type Viewer, rightsKey } from '../../src/uploads/viewer.ts'

const forced = { requireSignedURLs: null, allowedOrigins: null, watermarkUid: null, meta: null }
const limits = {
  maxDurationSeconds: null,
  maxSizeBytes: null,
  quotaMinutes: null,
  createsPerMinute: null,
  tokenLimit: null,
  forced,
}
const ada: Viewer = {
  subject: 'ada',
  isAdmin: false,
  canPlayAll: false,
  limits: null,
  expiresAt: null,
}

test('viewers with the same rights and limits share a key, also with another expiry', () => {
  expect(rightsKey({ ...ada, expiresAt: new Date(0) })).toBe(rightsKey(ada))
  expect(rightsKey({ ...ada, limits: { ...limits } })).toBe(rightsKey({ ...ada, limits }))
})

test('viewers that differ in a right, a limit or a forced setting have another key', () => {
  const viewers: readonly Viewer[] = [
    ada,
    { ...ada, subject: 'bob' },
    { ...ada, isAdmin: true },
    { ...ada, canPlayAll: true },
    { ...ada, limits },
    { ...ada, limits: { ...limits, maxDurationSeconds: 60 } },
    { ...ada, limits: { ...limits, maxSizeBytes: 60 } },
    { ...ada, limits: { ...limits, quotaMinutes: 60 } },
    { ...ada, limits: { ...limits, createsPerMinute: 60 } },
    { ...ada, limits: { ...limits, tokenLimit: { tokenId: 'a', maxUploads: 1 } } },
    { ...ada, limits: { ...limits, tokenLimit: { tokenId: 'b', maxUploads: 1 } } },
    { ...ada, limits: { ...limits, forced: { ...forced, requireSignedURLs: true } } },
    { ...ada, limits: { ...limits, forced: { ...forced, allowedOrigins: ['example.com'] } } },
    { ...ada, limits: { ...limits, forced: { ...forced, watermarkUid: 'a' } } },
    { ...ada, limits: { ...limits, forced: { ...forced, meta: { a: 1 } } } },
  ]
  expect(new Set(viewers.map(rightsKey)).size).toBe(viewers.length)
})
