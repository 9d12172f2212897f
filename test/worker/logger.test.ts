/** The log of a Worker: one JSON object a line, without secrets. */
import { expect, test } from 'vitest'
import { createWorkerLogger } from '../../src/worker/logger.ts'

function linesOf(write: (log: ReturnType<typeof createWorkerLogger>) => void): unknown[] {
  const lines: string[] = []
  write(createWorkerLogger('info', (line) => lines.push(line)))
  return lines.map((line): unknown => JSON.parse(line))
}

test('has a line for each, of the level or above', () => {
  const lines = linesOf((log) => {
    log.debug({ n: 1 }, 'unheard')
    log.info({ n: 2 }, 'heard')
    log.error({ n: 3 }, 'loud')
  })
  expect(lines).toEqual([
    { level: 'info', time: expect.any(Number), n: 2, msg: 'heard' },
    { level: 'error', time: expect.any(Number), n: 3, msg: 'loud' },
  ])
  expect(createWorkerLogger('silent').isLevelEnabled?.('debug')).toBe(false)
  expect(createWorkerLogger('trace').isLevelEnabled?.('debug')).toBe(true)
})

test('tells why an error came to be', () => {
  const [line] = linesOf((log) =>
    log.error({ err: new TypeError('outer', { cause: new Error('inner') }) }, 'failed'),
  )
  expect(line).toMatchObject({
    err: { type: 'TypeError', message: 'outer', cause: { type: 'Error', message: 'inner' } },
  })
})

test('holds no secret, wherever it stands', () => {
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
