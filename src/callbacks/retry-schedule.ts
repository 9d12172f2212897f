/** When a failed callback is sent again. */
import { parseHttpDate } from '../shared/http-date.ts'

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

/** Milliseconds from one attempt to the next. After the last, the callback is a dead letter. */
const retryDelaysMs = [
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  HOUR_MS,
  3 * HOUR_MS,
  6 * HOUR_MS,
  12 * HOUR_MS,
  24 * HOUR_MS,
]

/** Longest wait in milliseconds that a target may ask for. */
const MAX_RETRY_AFTER_MS = 24 * HOUR_MS

/** Part of the delay that is added at random, so that callbacks that failed together are not all sent together. */
const JITTER = 0.1

/**
 * Returns the time of the next attempt; null if there is none. Never earlier than scheduled, and never earlier than
 * the target asked for: a target that always answers `Retry-After: 1` must not use up the attempts.
 * @param attempts including the one that failed; at least 1
 * @param retryAfterMs wait that the target asked for, in milliseconds; null if none
 * @param random from 0 to 1
 */
export function nextAttemptAt(
  now: Date,
  attempts: number,
  retryAfterMs: number | null,
  random: number,
): Date | null {
  const delayMs = retryDelaysMs[attempts - 1]
  if (delayMs === undefined) return null
  const scheduledMs = delayMs * (1 + JITTER * random)
  const askedMs = Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS)
  return new Date(now.getTime() + Math.max(scheduledMs, askedMs))
}

/**
 * Returns the wait in a `Retry-After` header, in milliseconds; null if it is missing or invalid.
 * https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function parseRetryAfter(value: string | null, now: Date): number | null {
  if (value === null) return null
  const text = value.trim()
  if (/^\d{1,15}$/.test(text)) return Number(text) * SECOND_MS
  const at = parseHttpDate(text)
  return at === null ? null : Math.max(0, at.getTime() - now.getTime())
}
