/** Error responses of Stream: the kind, the codes, and the message without secrets. */
import { describe, expect, test } from 'vitest'
import type { StreamError } from '../../src/uploads/ports/stream-error.ts'
import { createCalls, find, mint, mintTus, secretBody } from './stub-failure.ts'
import { failure, plainText, type ResponseHandler } from './stub-stream.ts'
import { apiToken, uid, uploadURL } from './stub-params.ts'
import { openTransports } from './transports.ts'

describe.each(openTransports())('with $name', ({ send }) => {
  const { fail } = createCalls(send)

  describe('error responses', () => {
    test.each<[string, ResponseHandler, Partial<StreamError>]>([
      ['400 with 10005', failure(400, code(10005)), { kind: 'invalid', codes: [10005] }],
      ['404', failure(404, code(7003)), { kind: 'invalid', codes: [7003] }],
      ['409', failure(409, []), { kind: 'invalid', codes: [] }],
      ['422 without JSON', plainText(secretBody, 422), { kind: 'invalid' }],
      ['413 with 10011', failure(413, code(10011)), { kind: 'quota', codes: [10011] }],
      ['413 alone', plainText('', 413), { kind: 'quota' }],
      ['10011 with another status', failure(400, code(10011)), { kind: 'quota' }],
      ['10011 as text', failure(400, [{ code: '10011' }]), { kind: 'quota', codes: [10011] }],
      ['401', failure(401, code(10000)), { kind: 'unauthorized' }],
      ['403', plainText(secretBody, 403), { kind: 'unauthorized' }],
      ['400 with 6003', failure(400, code(6003)), { kind: 'unauthorized' }],
      ['429', failure(429, code(10013)), { kind: 'rate-limited', retryable: true }],
    ])('%s has mayHaveSucceeded false', async (_name, handler, expected) => {
      for (const act of [mint, mintTus]) {
        const error = await fail(handler, act)
        expect(error).toMatchObject({ mayHaveSucceeded: false, ...expected })
      }
    })

    test('ignores codes in `messages`', async () => {
      const handler = failure(400, code(10005), [{ code: 10000, message: 'token is valid' }])
      expect(await fail(handler, mint)).toMatchObject({ kind: 'invalid', codes: [10005] })
    })

    test("contains Stream's message, from `messages` before `errors`", async () => {
      const errors = code(10005, 'Bad Request')
      const messages = [{ message: 'required field maxDurationSeconds is missing' }]
      const error = await fail(failure(400, errors, messages), mint)
      expect(error.message).toBe(
        'Stream would not create an upload URL: it rejected the request (HTTP 400, code 10005):' +
          ' required field maxDurationSeconds is missing',
      )
      const fallback = await fail(failure(400, errors, ['', null, 7]), mint)
      expect(fallback.message).toMatch(/: Bad Request$/)
    })

    test("hides secrets in Stream's message", async () => {
      const message = `Bearer ${apiToken} for ${uploadURL} (${uid}), ${apiToken} ${'long '.repeat(99)}`
      const error = await fail(failure(400, code(10005, message)), mint)
      expect(error.message).toContain('[hidden] for [hidden]')
    })
  })

  describe('retryAfterSeconds', () => {
    test.each([
      [{ 'retry-after': '17' }, 17],
      [{ 'retry-after': 'Mon, 01 Jan 2024 00:01:00 GMT' }, 60],
      [{ ratelimit: '"default";r=0;t=30' }, 30],
      [{}, null],
    ])('%j', async (headers, retryAfterSeconds) => {
      const error = await fail(failure(429, [], [], headers), find, { now })
      expect(error).toMatchObject({ kind: 'rate-limited', retryAfterSeconds })
      const overloaded = await fail(failure(503, [], [], headers), find, { now })
      expect(overloaded).toMatchObject({ kind: 'unavailable', retryAfterSeconds })
    })
  })
})

function code(number: number, message = 'details') {
  return [{ code: number, message }]
}

function now(): Date {
  return new Date('2024-01-01T00:00:00Z')
}
