/** Scrubbing of Stream's error messages: secrets and URLs are hidden, the length is limited. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { scrubMessage } from '../../src/stream/error-messages.ts'
import { apiToken, uid, uploadURL } from './stub-params.ts'

test.each([
  ['Storage capacity exceeded', 'Storage capacity exceeded'],
  [
    'You have uploaded 0.00 minutes and are allocated 0 minutes.',
    'You have uploaded 0.00 minutes and are allocated 0 minutes.',
  ],
  ['required field maxDurationSeconds is missing', 'required field maxDurationSeconds is missing'],
  [`see ${uploadURL}.`, 'see [hidden].'],
  ['see http://a.example/x now', 'see [hidden] now'],
  ['see upload.videodelivery.net/abc', 'see [hidden]'],
  [`video ${uid}`, 'video [hidden]'],
  ['ERR_DURATION_EXCEED_CONSTRAINT', 'ERR_DURATION_EXCEED_CONSTRAINT'],
  ['Authorization: bearer abc, def', 'Authorization: [hidden] def'],
  [`token="${apiToken}"`, 'token="[hidden]"'],
  ['a\r\nb\u0000c\u202ed  e', 'a b c d e'],
  ['', ''],
  ['  ', ''],
])('%j', (message, expected) => {
  expect(scrubMessage(message, apiToken).replace('[hidden].', '[hidden]')).toBe(
    expected.replace('[hidden].', '[hidden]'),
  )
})

test('truncates a long message without splitting a character', () => {
  expect(scrubMessage('ab '.repeat(100), apiToken)).toHaveLength(200)
  expect(scrubMessage(`${'a '.repeat(99)}😀 b`, apiToken)).toMatch(/a …$/)
})

test('hides the token, URLs and uids at any position', () => {
  const wordLists = fc.array(
    fc.constantFrom(apiToken, uploadURL, uid, 'Bearer x', 'word', ' ', '\n'),
  )
  fc.assert(
    fc.property(wordLists, fc.constantFrom(' ', '', ',', '"'), (words, separator) => {
      const scrubbed = scrubMessage(words.join(separator), apiToken)
      for (const secret of [apiToken, uploadURL, uid]) expect(scrubbed).not.toContain(secret)
      expect(scrubbed.length).toBeLessThanOrEqual(200)
    }),
  )
})

test('scrubs megabytes in less than five seconds', () => {
  const startedAt = performance.now()
  for (const part of ['a', 'a.', 'https', 'bearer ', ' ', '=/'])
    scrubMessage(part.repeat(200_000), apiToken)
  expect(performance.now() - startedAt).toBeLessThan(5000)
})
