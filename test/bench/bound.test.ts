import { expect, test } from 'vitest'
import { type Spending, spendingOf, tellBound } from './bound.ts'

const gateways = { part: 'gateways', count: 2 }
const spending = (gateway: number, load: number, all: number): Spending => ({
  processors: 4,
  parts: new Map([
    ['gateways', gateway],
    ['PostgreSQL', 0.5],
  ]),
  load,
  all,
})

test.each([
  ['the processors', spending(2.6, 0.5, 3.7), /: the processors bound it$/],
  [
    'the processors, which others used',
    spending(1, 0.5, 3.7),
    /: the processors bound it, which others had a part of$/,
  ],
  ['the load generator', spending(1.2, 0.95, 2.65), /: the load generator bound it$/],
  ['each thread', spending(1.9, 0.5, 3), /: the one thread of each of the gateways bound it$/],
  ['waiting', spending(1.2, 0.5, 2.2), /: waiting bound it, for the disk or for one another$/],
])('is %s, by who had the processors', (_who, spent, sentence) => {
  expect(tellBound(spent, gateways)).toMatch(sentence)
})

test('says who had them, and what others had', () => {
  expect(tellBound(spending(1.25, 0.25, 2.5), gateways)).toMatch(
    /^2\.50 of 4 processors were busy \(gateways 1\.25, PostgreSQL 0\.50, load 0\.25, others 0\.50\)/,
  )
})

const spread = { count: 1000, p50: 1, p99: 2, longest: 3 }
const measured = {
  seconds: 1,
  answered: 1000,
  accepted: spread,
  refused: { ...spread, count: 0 },
  wrong: 0,
  firstWrong: null,
  rate: 1000,
  serverCpu: 500,
  partCpu: { gateways: 500, PostgreSQL: 250 },
  busy: 0.25,
  machineBusy: 0.75,
}

test('is counted from the microseconds of a request and the requests of a second', () => {
  expect(spendingOf(measured, 2)).toEqual({
    processors: 2,
    parts: new Map([
      ['gateways', 0.5],
      ['PostgreSQL', 0.25],
    ]),
    load: 0.25,
    all: 1.5,
  })
})

test('nothing is said where the system does not tell', () => {
  expect(spendingOf({ ...measured, machineBusy: null })).toBeNull()
  expect(spendingOf({ ...measured, partCpu: { gateways: null } })).toBeNull()
})
