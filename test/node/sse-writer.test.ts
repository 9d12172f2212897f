/** Server-sent events over real connections, with a pulse that is beaten by hand. */
import { once } from 'node:events'
import { type ServerResponse, createServer } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import { createSseStreams } from '../../src/node/server/sse-writer.ts'

const EVENT = { uid: '1', text: '{"data":{}}', hasErrors: false }
const HEADERS = ['content-type', 'text/event-stream']

/** A pulse of the test's own. */
function heartbeatByHand() {
  let onBeat: (() => void) | null = null
  return {
    pulse: (beat: () => void) => {
      onBeat = beat
      return () => {
        onBeat = null
      }
    },
    beat: () => onBeat?.(),
    isBeating: () => onBeat !== null,
  }
}

/** Sends these requests in one go over one connection; resolves once the server has read all of them. */
async function ask(paths: readonly string[]) {
  const answers: ServerResponse[] = []
  const errors: unknown[] = []
  let everybody: (() => void) | null = null
  const read = new Promise<void>((resolve) => {
    everybody = resolve
  })
  const server = createServer((_request, response) => {
    // Where nobody listens for it, it ends the process.
    response.on('error', (error) => errors.push(error))
    answers.push(response)
    if (answers.length === paths.length) everybody?.()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const socket = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1')
  onTestFinished(() => {
    socket.destroy()
    server.close()
  })
  const last = paths.length - 1
  socket.write(
    paths
      .map((path, place) => {
        const connection = place === last ? 'close' : 'keep-alive'
        return `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: ${connection}\r\n\r\n`
      })
      .join(''),
  )
  await read
  return { answers, errors, received: text(socket) }
}

/** The body of the last answer, in the chunks that it came in. */
function chunksOf(received: string): readonly string[] {
  const body = received.slice(received.lastIndexOf('\r\n\r\n', received.length - 8) + 4)
  return body.split(/(?:^|\r\n)[\da-f]+\r\n/).filter((chunk) => chunk.trim() !== '')
}

it('an open stream has a pulse, and one that has ended has none', async () => {
  const { pulse: heartbeat, beat, isBeating } = heartbeatByHand()
  const streams = createSseStreams({ heartbeat, onWritten: () => {} })
  const { answers, errors, received } = await ask(['/stream'])
  const [response] = answers
  if (response === undefined) throw new Error('Nobody asked.')
  const sink = streams.sink(response, HEADERS)
  sink.open()
  beat()
  sink.send(EVENT)
  sink.end('complete')
  beat()
  expect(isBeating()).toBe(false)
  expect(chunksOf(await received)).toEqual([
    ':\n\n',
    ':\n\n',
    `event: next\ndata: ${EVENT.text}\n\n`,
    'event: complete\ndata:\n\n',
  ])
  expect(errors).toEqual([])
})

it('a stream that ends while another answer stands before it has no pulse any more', async () => {
  const { pulse: heartbeat, beat } = heartbeatByHand()
  const streams = createSseStreams({ heartbeat, onWritten: () => {} })
  const { answers, errors, received } = await ask(['/slow', '/ends', '/stays'])
  const [slow, ends, stays] = answers
  if (slow === undefined || ends === undefined || stays === undefined) throw new Error('Who asks?')
  // It keeps the pulse going for all.
  const staying = streams.sink(stays, HEADERS)
  staying.open()
  const sink = streams.sink(ends, HEADERS)
  sink.send(EVENT)
  sink.end('complete')
  expect(ends.writableEnded).toBe(true)
  beat()
  slow.end('slow')
  await once(ends, 'close')
  beat()
  staying.end('complete')
  const all = await received
  expect(all.split('HTTP/1.1 200 OK')).toHaveLength(4)
  expect(chunksOf(all)).toEqual([':\n\n', ':\n\n', ':\n\n', 'event: complete\ndata:\n\n'])
  // Node would say that it writes after the end.
  expect(errors).toEqual([])
})
