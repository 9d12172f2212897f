/** What may be repeated of somebody else's sentence. */
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
])('%j', (sentence, expected) => {
  expect(scrubMessage(sentence, apiToken).replace('[hidden].', '[hidden]')).toBe(
    expected.replace('[hidden].', '[hidden]'),
  )
})

test('a long sentence is cut, and not in the midst of a character', () => {
  expect(scrubMessage('ab '.repeat(100), apiToken)).toHaveLength(200)
  expect(scrubMessage(`${'a '.repeat(99)}😀 b`, apiToken)).toMatch(/a …$/)
})

test('neither the token nor an address comes through, wherever it stands', () => {
  const words = fc.array(fc.constantFrom(apiToken, uploadURL, uid, 'Bearer x', 'word', ' ', '\n'))
  fc.assert(
    fc.property(words, fc.constantFrom(' ', '', ',', '"'), (dependencies, separator) => {
      const said = scrubMessage(dependencies.join(separator), apiToken)
      for (const secret of [apiToken, uploadURL, uid]) expect(said).not.toContain(secret)
      expect(said.length).toBeLessThanOrEqual(200)
    }),
  )
})

test('megabytes are scrubbed without delay', () => {
  const begun = performance.now()
  for (const part of ['a', 'a.', 'https', 'bearer ', ' ', '=/'])
    scrubMessage(part.repeat(200_000), apiToken)
  expect(performance.now() - begun).toBeLessThan(5000)
})
