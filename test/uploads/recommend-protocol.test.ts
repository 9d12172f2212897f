/** The decision chart of the Stream documentation. */
import { expect, test } from 'vitest'
import { recommendProtocol } from '../../src/uploads/recommend-protocol.ts'
import type { UploadProtocol } from '../../src/uploads/upload.ts'

test.each<[sizeBytes: number, reliable: boolean, UploadProtocol, required: boolean]>([
  [0, true, 'BASIC', false],
  [1, true, 'BASIC', false],
  [1, false, 'TUS', false],
  [200_000_000, true, 'BASIC', false],
  [200_000_000, false, 'TUS', false],
  [200_000_001, true, 'TUS', true],
  [200_000_001, false, 'TUS', true],
  [30_000_000_000, true, 'TUS', true],
  [30_000_000_001, true, 'TUS', true],
  [Number.MAX_SAFE_INTEGER, false, 'TUS', true],
])(
  'recommends for %d bytes, reliable: %s → %s, required: %s',
  (sizeBytes, reliable, protocol, required) => {
    expect(recommendProtocol(sizeBytes, reliable)).toMatchObject({ protocol, required })
  },
)

test.each<[sizeBytes: number, reliable: boolean, UploadProtocol, reason: RegExp]>([
  [0, true, 'BASIC', /does not support tus/],
  [200_000_000, false, 'BASIC', /does not support tus/],
  [200_000_001, true, 'BASIC', /Reduce the file size/],
  [30_000_000_000, false, 'BASIC', /Reduce the file size/],
  [30_000_000_001, true, 'TUS', /exceeds 30 GB/],
])(
  'recommends without tus for %d bytes, reliable: %s → %s',
  (sizeBytes, reliable, protocol, reason) => {
    const recommended = recommendProtocol(sizeBytes, reliable, false)
    expect(recommended).toMatchObject({ protocol, required: true })
    expect(recommended.reason).toMatch(reason)
  },
)

test.each<[sizeBytes: number, tus: boolean, UploadProtocol, reason: RegExp]>([
  [1, true, 'TUS', /token limits the size/],
  [200_000_000, true, 'TUS', /token limits the size/],
  [200_000_001, true, 'TUS', /over 200 MB/],
  [1, false, 'BASIC', /can upload nothing.*does not support tus.*`maxSizeBytes` of at least/],
  [200_000_001, false, 'BASIC', /can upload nothing/],
])(
  'recommends without basic uploads for %d bytes, tus: %s → %s',
  (bytes, tus, protocol, reason) => {
    const recommended = recommendProtocol(bytes, true, tus, false)
    expect(recommended).toMatchObject({ protocol, required: true })
    expect(recommended.reason).toMatch(reason)
  },
)

test('has a different reason for each case', () => {
  const reasons = [
    recommendProtocol(1, true),
    recommendProtocol(1, false),
    recommendProtocol(200_000_001, true),
    recommendProtocol(30_000_000_001, true),
    recommendProtocol(1, true, true, false),
  ].map(({ reason }) => reason)
  expect(new Set(reasons).size).toBe(5)
  for (const reason of reasons) expect(reason).toMatch(/^[A-Z].*\.$/)
  expect(reasons[3]).toContain('30 GB')
})
