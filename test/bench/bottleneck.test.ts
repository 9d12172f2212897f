import { expect, test } from 'vitest'
import { type CpuUsage, cpuUsageOf, describeBottleneck } from './bottleneck.ts'

const gateways = { group: 'gateways', count: 2 }
const usage = (gateway: number, load: number, all: number): CpuUsage => ({
  processors: 4,
  processGroups: new Map([
    ['gateways', gateway],
    ['PostgreSQL', 0.5],
  ]),
  load,
  all,
})

test.each([
  ['the processors', usage(2.6, 0.5, 3.7), /: limited by the processors$/],
  [
    'the processors, partly used by other processes',
    usage(1, 0.5, 3.7),
    /: limited by the processors, of which other processes used a part$/,
  ],
  ['the load generator', usage(1.2, 0.95, 2.65), /: limited by the load generator$/],
  ['each thread', usage(1.9, 0.5, 3), /: limited by the one thread of each of the gateways$/],
  ['waiting', usage(1.2, 0.5, 2.2), /: limited by waiting for the disk or for another process$/],
])('names %s as the bottleneck', (_bottleneck, cpuUsage, sentence) => {
  expect(describeBottleneck(cpuUsage, gateways)).toMatch(sentence)
})

test('lists the CPU usage of each group and of other processes', () => {
  expect(describeBottleneck(usage(1.25, 0.25, 2.5), gateways)).toMatch(
    /^2\.50 of 4 processors were busy \(gateways 1\.25, PostgreSQL 0\.50, load 0\.25, others 0\.50\)/,
  )
})

const latencies = { count: 1000, p50: 1, p99: 2, longest: 3 }
const measured = {
  seconds: 1,
  succeeded: 1000,
  accepted: latencies,
  rejected: { ...latencies, count: 0 },
  wrong: 0,
  firstWrong: null,
  rate: 1000,
  serverCpu: 500,
  processCpu: { gateways: 500, PostgreSQL: 250 },
  busy: 0.25,
  machineBusy: 0.75,
}

test('computes CPU usage from the microseconds per request and the rate', () => {
  expect(cpuUsageOf(measured, 2)).toEqual({
    processors: 2,
    processGroups: new Map([
      ['gateways', 0.5],
      ['PostgreSQL', 0.25],
    ]),
    load: 0.25,
    all: 1.5,
  })
})

test('returns null when the system reports no CPU times', () => {
  expect(cpuUsageOf({ ...measured, machineBusy: null })).toBeNull()
  expect(cpuUsageOf({ ...measured, processCpu: { gateways: null } })).toBeNull()
})
