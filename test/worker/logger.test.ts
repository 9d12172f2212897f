/** The log of a Worker: one JSON object per line, without secrets. */
import { expect, test } from 'vitest'
import { createWorkerLogger } from '../../src/worker/logger.ts'

function linesOf(write: (log: ReturnType<typeof createWorkerLogger>) => void): unknown[] {
  const lines: string[] = []
  write(createWorkerLogger('info', (line) => lines.push(line)))
  return lines.map((line): unknown => JSON.parse(line))
}

test('writes one line per entry at or above the level', () => {
  const lines = linesOf((log) => {
    log.debug({ n: 1 }, 'below the level')
    log.info({ n: 2 }, 'at the level')
    log.error({ n: 3 }, 'above the level')
  })
  expect(lines).toEqual([
    { level: 'info', time: expect.any(Number), n: 2, msg: 'at the level' },
    { level: 'error', time: expect.any(Number), n: 3, msg: 'above the level' },
  ])
  expect(createWorkerLogger('silent').isLevelEnabled?.('debug')).toBe(false)
  expect(createWorkerLogger('trace').isLevelEnabled?.('debug')).toBe(true)
})

test('includes the cause of an error', () => {
  const [line] = linesOf((log) =>
    log.error({ err: new TypeError('outer', { cause: new Error('inner') }) }, 'failed'),
  )
  expect(line).toMatchObject({
    err: { type: 'TypeError', message: 'outer', cause: { type: 'Error', message: 'inner' } },
  })
})

test('redacts secrets in fields, errors and messages', () => {
  const [line] = linesOf((log) =>
    log.info(
      {
        uploadURL: 'https://upload.example.com/secret',
        deep: { authorization: 'Bearer aaaaaaaaaaaa' },
        err: new Error('at https://upload.videodelivery.net/tus/secret'),
      },
      'Bearer bbbbbbbbbbbb',
    ),
  )
  expect(JSON.stringify(line)).not.toMatch(/secret|aaaa|bbbb/)
})
