import { expect, test } from 'vitest'
import { readArguments } from './arguments.ts'

test('selects the quick run of all rows without arguments', () => {
  expect(readArguments([])).toEqual({
    run: 'quick',
    only: [],
    rounds: null,
    profile: false,
    jsonFile: '.headgate/bench.json',
  })
})

test('reads all arguments together', () => {
  const args = [
    '--full',
    '--only',
    'reading,minting',
    '--rounds',
    '7',
    '--json',
    'out.json',
    '--profile',
  ]
  expect(readArguments(args)).toEqual({
    run: 'full',
    only: ['reading', 'minting'],
    rounds: 7,
    profile: true,
    jsonFile: 'out.json',
  })
})

test.each([['--full', '--scale'], ['--rounds', '0'], ['--rounds', 'two'], ['--fast'], ['reading']])(
  'rejects %s %s',
  (...args) => {
    expect(() => readArguments(args)).toThrow(/./)
  },
)
