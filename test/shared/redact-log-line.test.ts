/** Redaction of log lines, whose text clients determine in part. */
import { describe, expect, it } from 'vitest'
import { redactLogLine } from '../../src/shared/redact-log-line.ts'

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl'

describe('redactLogLine', () => {
  it.each([
    ['a token', `"${JWT}"`],
    ['a token after other text', `"x ${JWT} y"`],
    ['a token in a path', `"/${JWT}/manifest/video.m3u8"`],
    ['a token in a query', `"?token=${JWT}"`],
    ['a bearer token', '"Bearer abcdefghijk"'],
    ['a secret of callbacks', '"whsec_abcdefghij+/=="'],
    ['an upload URL', '"https://upload.videodelivery.net/abc"'],
  ])('removes %s', (_name, text) => {
    const line = redactLogLine(`{"msg":${text}}\n`)
    expect(line).toContain('[Redacted]')
    expect(line).not.toMatch(/eyJ|abc/)
  })

  it.each([
    'eyJ-',
    'eyJ',
    '-eyJabcdefgh',
    'eyJabcdefgh.',
    'bearer ',
    'bearer',
    '/tus/',
    'whsec_',
    'http://upload.',
  ])('takes a few milliseconds for a header that repeats %j', (part) => {
    // As long as the headers of a request may be.
    const line = `{"origin":"${part.repeat(24_000 / part.length)}"}\n`
    const times = Array.from({ length: 5 }, () => {
      const startedAt = performance.now()
      redactLogLine(line)
      return performance.now() - startedAt
    })
    // Quadratic time would be half a second.
    expect(Math.min(...times)).toBeLessThan(20)
  })
})
