/** Two objects are equal exactly when they serialize equally. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { valuesEqual, shallowEqual } from '../../src/uploads/status/shallow-equal.ts'
import type { Video } from '../../src/uploads/upload.ts'

// Few different values, so that objects are often equal or nearly equal.
const number = fc.constantFrom(null, 0, 1, 5.5, 1920)
const text = fc.constantFrom(null, '', 'https://a.example/1', 'null')
/** A new object each time. */
const timestamp = fc
  .constantFrom(null, 0, 1, 1_700_000_000_000)
  .map((time) => (time === null ? null : new Date(time)))

const video: fc.Arbitrary<Video> = fc.record({
  durationSeconds: number,
  width: number,
  height: number,
  sizeBytes: number,
  hlsURL: text,
  dashURL: text,
  thumbnailURL: text,
  previewURL: text,
  readyAt: timestamp,
})

test('equals the comparison of the JSON', () => {
  const changed = fc.record({ one: video, other: video, copiedKeys: fc.subarray(videoKeys()) })
  fc.assert(
    fc.property(changed, ({ one, other, copiedKeys }) => {
      const mixed = { ...one }
      for (const name of copiedKeys) Object.assign(mixed, { [name]: other[name] })
      const again = { ...mixed, readyAt: mixed.readyAt === null ? null : new Date(mixed.readyAt) }
      const same = JSON.stringify(one) === JSON.stringify(again)
      expect(shallowEqual(one, again)).toBe(same)
      expect(shallowEqual(again, one)).toBe(same)
    }),
  )
})

test('null equals null only', () => {
  fc.assert(
    fc.property(video, (one) => {
      expect(shallowEqual<Video>(null, null)).toBe(true)
      expect(shallowEqual<Video>(null, one)).toBe(false)
      expect(shallowEqual<Video>(one, null)).toBe(false)
    }),
  )
})

test.each([
  [new Date(5), new Date(5), true],
  [new Date(5), new Date(6), false],
  [new Date(5), 5, false],
  [null, new Date(0), false],
  ['1', 1, false],
  [0, null, false],
])('%o and %o: %o', (a, b, same) => {
  expect(valuesEqual(a, b)).toBe(same)
})

function videoKeys(): (keyof Video)[] {
  return [
    'durationSeconds',
    'width',
    'height',
    'sizeBytes',
    'hlsURL',
    'dashURL',
    'thumbnailURL',
    'previewURL',
    'readyAt',
  ]
}
