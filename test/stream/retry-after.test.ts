/** The wait that Cloudflare requests, from the headers Retry-After and Ratelimit. */
import { expect, test } from 'vitest'
import { readRetryAfter } from '../../src/stream/rest/retry-after.ts'

const now = new Date('2024-01-01T00:00:00Z')

test.each<[Record<string, string>, number | null]>([
  [{}, null],
  [{ 'retry-after': '0' }, 0],
  [{ 'retry-after': '120' }, 120],
  [{ 'retry-after': ' 1.2 ' }, 2],
  [{ 'retry-after': '999999999' }, 86_400],
  [{ 'retry-after': 'Mon, 01 Jan 2024 00:05:00 GMT' }, 300],
  [{ 'retry-after': 'Sun, 31 Dec 2023 23:59:00 GMT' }, 0],
  [{ 'retry-after': 'Monday, 01-Jan-24 00:05:00 GMT' }, 300],
  [{ 'retry-after': 'soon' }, null],
  [{ 'retry-after': '-1' }, null],
  [{ 'retry-after': '' }, null],
  [{ ratelimit: '"default";r=0;t=30' }, 30],
  [{ ratelimit: '"default";r=50;t=30' }, null],
  [{ ratelimit: '"burst";r=0;t=5, "default";r=0;t=240' }, 240],
  [{ ratelimit: '"burst";r=0;t=5, "default";r=10;t=240' }, 5],
  [{ ratelimit: '"default"; r=0; t=7' }, 7],
  [{ ratelimit: 'nonsense;;=,' }, null],
  [{ 'retry-after': '9', ratelimit: '"default";r=0;t=30' }, 9],
  [{ 'retry-after': 'soon', ratelimit: '"default";r=0;t=30' }, 30],
])('%j', (headers, expected) => {
  expect(readRetryAfter(new Headers(headers), now)).toBe(expected)
})
