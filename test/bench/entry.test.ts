import { expect, test } from 'vitest'
import { type EntryFacts, type Round, judge, median } from './entry.ts'

function rounds(...values: readonly number[]): Round[] {
  return values.map((value) => ({ value, cpu: null, problem: null }))
}

const facts: EntryFacts = {
  row: 'reading',
  unit: 'req/s',
  ours: rounds(50, 90, 75),
  peer: { name: 'bare', rounds: rounds(100, 100, 100) },
  target: { atLeast: 0.75 },
  isRatio: true,
}

test.each([
  [[], NaN],
  [[3], 3],
  [[1, 9, 2], 2],
  [[4, 1, 3, 2], 2.5],
])('the median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected)
})

test('the ratio is taken round by round, so that a slow moment of the machine slows both', () => {
  const slowed = { name: 'bare', rounds: rounds(100, 10, 100) }
  expect(judge({ ...facts, ours: rounds(80, 8, 80), peer: slowed }).ratio).toBe(0.8)
})

test.each<[string, Partial<EntryFacts>, 'met' | 'missed' | 'told']>([
  ['a ratio on its target', {}, 'met'],
  ['a ratio below it', { target: { atLeast: 0.76 } }, 'missed'],
  ['a ratio above one that must not be', { target: { atMost: 0.74 } }, 'missed'],
  ['nothing to compare with', { peer: null }, 'missed'],
  ['a figure of its own', { isRatio: false, peer: null, target: { atMost: 75 } }, 'met'],
  ['no target', { target: null }, 'told'],
  ['a problem besides', { problems: ['one is lost'] }, 'missed'],
  ['a wrong answer', { ours: [{ value: 90, cpu: null, problem: 'wrong' }] }, 'missed'],
  [
    "a peer's wrong answer",
    { peer: { name: 'bare', rounds: [{ value: 1, cpu: null, problem: 'wrong' }] } },
    'missed',
  ],
  [
    'a generator with time left',
    {
      ours: [{ value: 75, cpu: null, problem: null, busy: 0.9 }],
      peer: { name: 'bare', rounds: rounds(100) },
    },
    'met',
  ],
  [
    'a generator without',
    {
      ours: [{ value: 75, cpu: null, problem: null, busy: 0.91 }],
      peer: { name: 'bare', rounds: rounds(100) },
    },
    'missed',
  ],
  ['a figure that could not be taken', { ours: rounds(NaN) }, 'missed'],
])('%s: the verdict', (_case, changed, verdict) => {
  expect(judge({ ...facts, ...changed }).verdict).toBe(verdict)
})

test('the same problem of several rounds is told once', () => {
  const wrong = { value: 1, cpu: null, problem: 'wrong' }
  expect(judge({ ...facts, ours: [wrong, wrong, wrong] }).problems).toEqual(['headgate: wrong'])
})
