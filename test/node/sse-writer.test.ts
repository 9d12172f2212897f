/** Server-sent events over real connections, with a heartbeat that the test triggers. */
import { once } from 'node:events'
import { type ServerResponse, createServer } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import { createSseStreams } from '../../src/node/server/sse-writer.ts'
import { listenInTest } from '../kit/listen.ts'

const EVENT = { uid: '1', text: '{"data":{}}', hasErrors: false }
const HEADERS = ['content-type', 'text/event-stream']

/** A heartbeat that the test triggers with `beat`. */
function manualHeartbeat() {
  let onBeat: (() => void) | null = null
  return {
    heartbeat: (beat: () => void) => {
      onBeat = beat
      return () => {
        onBeat = null
      }
    },
    beat: () => onBeat?.(),
    isBeating: () => onBeat !== null,
  }
}

/** Sends pipelined requests over one connection; resolves when the server has read all of them. */
async function sendPipelined(paths: readonly string[]) {
  const responses: ServerResponse[] = []
  const errors: unknown[] = []
  let onAllRead: (() => void) | null = null
  const read = new Promise<void>((resolve) => {
    onAllRead = resolve
  })
  const server = createServer((_request, response) => {
    // An `error` event without a listener ends the process.
    response.on('error', (error) => errors.push(error))
    responses.push(response)
    if (responses.length === paths.length) onAllRead?.()
  })
  const { port } = await listenInTest(server)
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  const last = paths.length - 1
  socket.write(
    paths
      .map((path, index) => {
        const connection = index === last ? 'close' : 'keep-alive'
        return `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: ${connection}\r\n\r\n`
      })
      .join(''),
  )
  await read
  return { responses, errors, received: text(socket) }
}

/** Returns the body of the last response. Node versions split it into chunks differently, so chunks are joined. */
function bodyOf(received: string): string {
  const body = received.slice(received.lastIndexOf('\r\n\r\n', received.length - 8) + 4)
  return body
    .split(/(?:^|\r\n)[\da-f]+\r\n/)
    .filter((chunk) => chunk.trim() !== '')
    .join('')
}

it('sends heartbeats to an open stream, and none after its end', async () => {
  const { heartbeat, beat, isBeating } = manualHeartbeat()
  const streams = createSseStreams({ heartbeat, onWritten: () => {} })
  const { responses, errors, received } = await sendPipelined(['/stream'])
  const [response] = responses
  if (response === undefined) throw new Error('The server has no request.')
  const sink = streams.sink(response, HEADERS, () => Promise.resolve())
  sink.open()
  beat()
  sink.send(EVENT)
  sink.end('complete')
  beat()
  expect(isBeating()).toBe(false)
  expect(bodyOf(await received)).toBe(
    `:\n\n:\n\nevent: next\ndata: ${EVENT.text}\n\nevent: complete\ndata:\n\n`,
  )
  expect(errors).toEqual([])
})

it('sends no heartbeat to a stream that has ended behind an unfinished response', async () => {
  const { heartbeat, beat } = manualHeartbeat()
  const streams = createSseStreams({ heartbeat, onWritten: () => {} })
  const { responses, errors, received } = await sendPipelined(['/slow', '/ends', '/stays'])
  const [slow, ends, stays] = responses
  if (slow === undefined || ends === undefined || stays === undefined)
    throw new Error('The server has fewer than three requests.')
  // An open stream keeps the heartbeat of all streams running.
  const staying = streams.sink(stays, HEADERS, () => Promise.resolve())
  staying.open()
  const sink = streams.sink(ends, HEADERS, () => Promise.resolve())
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
  expect(bodyOf(all)).toBe(':\n\n:\n\n:\n\nevent: complete\ndata:\n\n')
  // A heartbeat to the ended stream would be a write after end.
  expect(errors).toEqual([])
})
