import { expect, test } from 'vitest'
import { readArguments } from './arguments.ts'

test('without a word it is the quick run, of all rows', () => {
  expect(readArguments([])).toEqual({
    run: 'quick',
    only: [],
    rounds: null,
    profile: false,
    jsonFile: '.headgate/bench.json',
  })
})

test('all of them together', () => {
  const given = [
    '--full',
    '--only',
    'reading,minting',
    '--rounds',
    '7',
    '--json',
    'out.json',
    '--profile',
  ]
  expect(readArguments(given)).toEqual({
    run: 'full',
    only: ['reading', 'minting'],
    rounds: 7,
    profile: true,
    jsonFile: 'out.json',
  })
})

test.each([['--full', '--scale'], ['--rounds', '0'], ['--rounds', 'two'], ['--fast'], ['reading']])(
  'not understood: %s %s',
  (...given) => {
    expect(() => readArguments(given)).toThrow(/./)
  },
)
