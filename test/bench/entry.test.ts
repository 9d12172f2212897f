import { expect, test } from 'vitest'
import { type EntryFacts, type Round, createEntry, median } from './entry.ts'

function rounds(...values: readonly number[]): Round[] {
  return values.map((value) => ({ value, cpu: null, problem: null }))
}

const facts: EntryFacts = {
  row: 'reading',
  unit: 'req/s',
  rounds: rounds(50, 90, 75),
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

test('computes the ratio per round, so that a temporary slowdown does not change it', () => {
  const slowed = { name: 'bare', rounds: rounds(100, 10, 100) }
  expect(createEntry({ ...facts, rounds: rounds(80, 8, 80), peer: slowed }).ratio).toBe(0.8)
})

/** Slow rounds with this processor time. */
const cpu = (microseconds: number): Round[] => [{ value: 1, cpu: microseconds, problem: null }]
const byCpu: Partial<EntryFacts> = {
  peer: { name: 'bare', rounds: [{ value: 9, cpu: 100, problem: null }] },
  target: { atLeast: 0.87, by: 'processor time' },
}

test.each<[string, Partial<EntryFacts>, 'met' | 'missed' | 'reported']>([
  ['a ratio equal to its target', {}, 'met'],
  ['a ratio below its target', { target: { atLeast: 0.76 } }, 'missed'],
  ['a ratio above its maximum', { target: { atMost: 0.74 } }, 'missed'],
  ['a missing peer', { peer: null }, 'missed'],
  ['an absolute figure', { isRatio: false, peer: null, target: { atMost: 75 } }, 'met'],
  ['no target', { target: null }, 'reported'],
  ['processor time below its target', { ...byCpu, rounds: cpu(120) }, 'missed'],
  ['processor time that meets its target', { ...byCpu, rounds: cpu(110) }, 'met'],
  ['an additional problem', { problems: ['one upload is lost'] }, 'missed'],
  ['a wrong response', { rounds: [{ value: 90, cpu: null, problem: 'wrong' }] }, 'missed'],
  [
    'a wrong response of the peer',
    { peer: { name: 'bare', rounds: [{ value: 1, cpu: null, problem: 'wrong' }] } },
    'missed',
  ],
  [
    'a load generator that is not saturated',
    {
      rounds: [{ value: 75, cpu: null, problem: null, busy: 0.9 }],
      peer: { name: 'bare', rounds: rounds(100) },
    },
    'met',
  ],
  [
    'a saturated load generator',
    {
      rounds: [{ value: 75, cpu: null, problem: null, busy: 0.91 }],
      peer: { name: 'bare', rounds: rounds(100) },
    },
    'missed',
  ],
  ['a figure that could not be measured', { rounds: rounds(NaN) }, 'missed'],
])('the verdict of %s', (_case, changed, verdict) => {
  expect(createEntry({ ...facts, ...changed }).verdict).toBe(verdict)
})

test('reports the same problem of several rounds once', () => {
  const wrong = { value: 1, cpu: null, problem: 'wrong' }
  expect(createEntry({ ...facts, rounds: [wrong, wrong, wrong] }).problems).toEqual([
    'headgate: wrong',
  ])
})
