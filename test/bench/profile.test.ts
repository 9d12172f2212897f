import { expect, test } from 'vitest'
import { type CpuProfile, ownersOf } from './profile.ts'

const frame = (functionName: string, url = '') => ({ callFrame: { functionName, url } })

/** A commit calls what is native; the server waits, answers, and collects garbage. */
const TAKEN: CpuProfile = {
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

test('what is native is its caller’s, and what is waited for is nobody’s', () => {
  const spent = ownersOf(TAKEN, [{ from: 1000, until: 1060, answers: 2 }])
  expect(Object.fromEntries(spent)).toEqual({
    'SQLite and its disk': 10,
    'garbage collection': 5,
    'HTTP server of Node': 5,
    'everything else': 5,
  })
})

test('what comes before and after the measured time is left out', () => {
  const spent = ownersOf(TAKEN, [
    { from: 1050, until: 1050, answers: 1 },
    { from: 1070, until: 1080, answers: 1 },
  ])
  expect(Object.fromEntries(spent)).toEqual({
    'HTTP server of Node': 5,
    'SQLite and its disk': 5,
  })
})
