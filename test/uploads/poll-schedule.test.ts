/** The intervals at which Stream is polled. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { firstPollAt, nextPollAt } from '../../src/uploads/status/poll-schedule.ts'
import { type Upload, uploadStatuses } from '../../src/uploads/upload.ts'
import { CREATED_AT, EXPIRES_AT, after, uploadOf } from '../kit/samples.ts'

const EXPIRY = (EXPIRES_AT.getTime() - CREATED_AT.getTime()) / 1000
const DAY = 86_400

/** Seconds until the next poll, after 0, 1, 2, … polls without a change. */
function intervals(upload: Partial<Upload>, polls: number, now = CREATED_AT): (number | null)[] {
  return Array.from({ length: polls }, (_, idlePolls) => {
    const at = nextPollAt(uploadOf(upload), now, idlePolls)
    return at === null ? null : (at.getTime() - now.getTime()) / 1000
  })
}

function withEncoding(encodingPercent: number | null): Pick<Upload, 'progress' | 'status'> {
  return {
    status: 'READY',
    progress: { totalBytes: null, receivedBytes: null, encodingPercent },
  }
}

test('schedules the first poll 15 seconds after minting', () => {
  expect(firstPollAt(CREATED_AT)).toEqual(after(15))
})

describe('the interval doubles up to a maximum', () => {
  test.each<[what: string, upload: Partial<Upload>, expected: (number | null)[]]>([
    ['waiting for bytes', { status: 'PENDING_UPLOAD' }, [15, 30, 30, 30]],
    ['bytes arriving', { status: 'UPLOADING' }, [15, 30, 30, 30]],
    ['queued', { status: 'QUEUED' }, [5, 10, 20, 30, 30]],
    ['encoding', { status: 'IN_PROGRESS' }, [5, 10, 20, 30, 30]],
    ['playable, not done', withEncoding(39), [15, 30, 60, 120, 240, 480]],
    ['done', withEncoding(100), [3600, 7200, 14_400, 28_800, 57_600, DAY, DAY]],
    ['ready, percent unknown', withEncoding(null), [3600, 7200, 14_400, 28_800, 57_600, DAY, DAY]],
    ['expired, still known to Stream', { status: 'EXPIRED' }, [300, 600, 1200, 2400, null, null]],
    [
      'expired and unknown to Stream',
      { status: 'EXPIRED', goneAt: CREATED_AT },
      [300, 600, 1200, 2400, null],
    ],
    ['failed', { status: 'ERROR' }, [null, null]],
    ['deleted here', { status: 'DELETED', deletedAt: CREATED_AT }, [null, null]],
    [
      'unknown to Stream',
      { status: 'DELETED', goneAt: CREATED_AT },
      [300, 600, 1200, 2400, 4800, 9600, 19_200, 38_400, 76_800, DAY, null],
    ],
  ])('%s', (_what, upload, expected) => {
    expect(intervals(upload, expected.length)).toEqual(expected)
  })
})

test.each(['PENDING_UPLOAD', 'UPLOADING'] as const)(
  '%s is polled five seconds after its deadline, and not earlier because of it',
  (status) => {
    const expired = after(EXPIRY + 5)
    expect(nextPollAt(uploadOf({ status }), after(EXPIRY - 2), 0)).toEqual(expired)
    expect(nextPollAt(uploadOf({ status }), after(EXPIRY + 4), 9)).toEqual(expired)
    expect(nextPollAt(uploadOf({ status }), after(EXPIRY + 5), 0)).toEqual(after(EXPIRY + 20))
    expect(nextPollAt(uploadOf({ status }), after(EXPIRY - 60), 0)).toEqual(after(EXPIRY - 45))
  },
)

const maxDate = new Date(8.64e15)

test('the next poll is in the future, within a day, and later after more idle polls', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...uploadStatuses),
      fc.option(fc.double({ min: 0, max: 100, noNaN: true })),
      fc.integer({ min: -DAY, max: 400 * DAY }),
      fc.nat(10_000),
      (status, encodingPercent, seconds, idlePolls) => {
        const upload = uploadOf({ ...withEncoding(encodingPercent), status })
        const now = after(seconds)
        const next = nextPollAt(upload, now, idlePolls) ?? maxDate
        const later = nextPollAt(upload, now, idlePolls + 1) ?? maxDate
        expect(next > now).toBe(true)
        expect(next === maxDate || next <= after(seconds + DAY)).toBe(true)
        expect(later >= next).toBe(true)
      },
    ),
  )
})
