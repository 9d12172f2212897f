import { expect, test } from 'vitest'
import { type CpuProfile, cpuByOwner } from './profile.ts'

const frame = (functionName: string, url = '') => ({ callFrame: { functionName, url } })

/** Samples of native code called by a commit, idle time, a response, and garbage collection. */
const PROFILE: CpuProfile = {
  startTime: 1000,
  nodes: [
    { id: 1, children: [2, 4, 5, 6, 7], ...frame('(root)') },
    { id: 2, children: [3], ...frame('commit', 'file:///x/node_modules/better-sqlite3/lib/t.js') },
    { id: 3, ...frame('fsync') },
    { id: 4, ...frame('(idle)') },
    { id: 5, ...frame('(garbage collector)') },
    { id: 6, ...frame('end', 'node:_http_outgoing') },
    { id: 7, ...frame('odd', 'file:///x/odd.js') },
  ],
  samples: [3, 2, 4, 5, 6, 7, 3],
  timeDeltas: [10, 10, 10, 10, 10, 10, 10],
}

test('assigns native code to its caller, and omits idle time', () => {
  const spent = cpuByOwner(PROFILE, [{ from: 1000, until: 1060, responses: 2 }])
  expect(Object.fromEntries(spent)).toEqual({
    'SQLite and its disk': 10,
    'garbage collection': 5,
    'HTTP server of Node': 5,
    'everything else': 5,
  })
})

test('omits samples outside of the measured periods', () => {
  const spent = cpuByOwner(PROFILE, [
    { from: 1050, until: 1050, responses: 1 },
    { from: 1070, until: 1080, responses: 1 },
  ])
  expect(Object.fromEntries(spent)).toEqual({
    'HTTP server of Node': 5,
    'SQLite and its disk': 5,
  })
})
