/** Header values with parameters, as RFC 9110 section 5.6 defines them, and hostile ones. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  mediaTypeIn,
  parseList,
  parseAccept,
  preferredCoding,
  preferredMediaType,
} from '../../src/http/header-lists.ts'

describe('a list', () => {
  it('is split at commas and semicolons outside quoted strings', () => {
    const [first, second, ...others] = parseList('a/b; X="1,2;3\\"4" ;q=0.5 ,, C/D;y=z')
    expect([first?.value, first?.q, ...(first?.parameters ?? [])]).toEqual([
      'a/b',
      0.5,
      ['x', '1,2;3"4'],
      ['q', '0.5'],
    ])
    expect([second?.value, second?.q, second?.parameters.get('y')]).toEqual(['c/d', 1, 'z'])
    expect(others).toEqual([])
  })

  it.each([
    ['0', 0],
    ['0.000', 0],
    ['1.000', 1],
    ['"0.5"', 0.5],
    ['1.5', 1],
    ['-1', 1],
    ['x', 1],
    ['', 1],
  ])('with the weight %s has the quality %d', (weight, q) => {
    expect(parseList(`a/b;q=${weight}`).map((entry) => entry.q)).toEqual([q])
  })

  it('of any text is parsed in linear time and without an error', () => {
    const piece = fc.constantFrom('"', '\\', ',', ';', '=', 'q', '0', ' ', 'a/b', '*/*', '"\\"')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 50 }), (pieces) => {
        // As long as all headers of a request may be.
        const header = pieces.join('').repeat(500).slice(0, 24_000)
        const startedAt = performance.now()
        for (const { q } of parseList(header)) expect(q >= 0 && q <= 1).toBe(true)
        expect(performance.now() - startedAt).toBeLessThan(500)
      }),
      { numRuns: 200 },
    )
  })
})

it.each<[accept: string | null, chosen: string | null]>([
  [null, 'a/b'],
  ['', 'a/b'],
  ['a/*', 'a/b'],
  ['*/*, a/c', 'a/c'],
  ['a/c, a/b', 'a/c'],
  ['a/*;q=0.5, a/c;q=0.1', 'a/b'],
  ['a/*;q=0, */*', null],
  ['ab/*', null],
])('Accept: %s prefers %s of a/b and a/c', (accept, chosen) => {
  expect(preferredMediaType(parseAccept(accept), ['a/b', 'a/c'])).toBe(chosen)
})

it.each([
  [' Application/JSON ; a=b', 'application/json'],
  ['', null],
  [null, null],
])('the media type of the Content-Type %s is %s', (contentType, mediaType) => {
  expect(mediaTypeIn(contentType)).toBe(mediaType)
})

it('a coding with the same weight as another is chosen in the order of the server', () => {
  expect(preferredCoding('gzip, br', ['br', 'gzip'])).toBe('br')
  expect(preferredCoding(null, ['br', 'gzip'])).toBe('identity')
})
