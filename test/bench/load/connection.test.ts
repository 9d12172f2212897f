import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { listenInTest } from '../../kit/listen.ts'
import { type Arrival, openConnection } from './connection.ts'

/** A server that responds to each request with these pieces, one write each. */
async function serve(pieces: readonly string[]): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', () => {
      void pieces.reduce(async (before, piece) => {
        await before
        await new Promise((resolve) => {
          socket.write(piece, resolve)
        })
        // Lets the client read this piece before the next is written.
        await new Promise((resolve) => {
          setImmediate(resolve)
        })
      }, Promise.resolve())
    })
  })
  return (await listenInTest(server)).port
}

/** Sends two requests over one connection; the second fails unless the first response was read exactly. */
async function requestTwice(
  pieces: readonly string[],
  marker: string,
): Promise<readonly Arrival[]> {
  const port = await serve(pieces)
  const request = { bytes: new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'), marker }
  return new Promise((resolve, reject) => {
    const arrivals: Arrival[] = []
    const connection = openConnection(
      { host: '127.0.0.1', port },
      (arrival) => {
        arrivals.push(arrival)
        if (arrivals.length < 2) connection.send(request)
        else {
          connection.close()
          resolve(arrivals)
        }
      },
      (reason) => reject(new Error(reason)),
    )
    connection.send(request)
  })
}

const right = { status: 200, hasMarker: true, hasRetryAfter: false }

test.each<[string, readonly string[], Arrival]>([
  ['in one piece', ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nright'], right],
  [
    'with head and body in separate pieces',
    ['HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n', 'right'],
    right,
  ],
  ['with the head in two pieces', ['HTTP/1.1 200 OK\r\ncontent-', 'length: 5\r\n\r\nright'], right],
  [
    'with the body in two pieces',
    ['HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nright', ' now'],
    right,
  ],
  [
    'in chunks',
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nright\r\n', '0\r\n\r\n'],
    right,
  ],
  [
    'without the marker',
    ['HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong'],
    { ...right, hasMarker: false },
  ],
  [
    'with status 503',
    ['HTTP/1.1 503 Busy\r\nRetry-After: 1\r\ncontent-length: 0\r\n\r\n'],
    { status: 503, hasMarker: false, hasRetryAfter: true },
  ],
])('reads a response %s', async (_form, pieces, expected) => {
  const arrivals = await requestTwice(pieces, 'right')
  expect(arrivals).toEqual([expected, expected])
})

const CHUNKED =
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6;a=b\r\nright,\r\nA\r\n0\r\n\r\n0\r\n\r\n\r\n0\r\nvary: 0\r\n\r\n'
const LONG = 'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nquite right.'

test('reads a response exactly to its end for any split into chunks', async () => {
  for (const whole of [CHUNKED, LONG]) {
    for (let place = 1; place < whole.length; place += 1) {
      const pieces = [whole.slice(0, place), whole.slice(place)]
      const arrivals = await requestTwice(pieces, 'right')
      expect([pieces, arrivals]).toEqual([pieces, [right, right]])
    }
    const byCharacter = await requestTwice(whole.split(''), 'right')
    expect(byCharacter).toEqual([right, right])
  }
})

test('reports a failed connection with its reason', async () => {
  const lost = await new Promise((resolve) => {
    openConnection({ host: '127.0.0.1', port: 1 }, () => {}, resolve)
  })
  expect(lost).toBe('ECONNREFUSED')
})
