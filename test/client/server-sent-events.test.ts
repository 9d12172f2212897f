/** Server-sent events, however the network cuts them. */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  type ServerEvent,
  readServerSentEvents,
} from '../../src/client/gateway/server-sent-events.ts'
import { createTestClock } from '../kit/clock.ts'

const STREAM =
  ':\n\nevent: next\ndata: {"name":"Zoë 🎬"}\n\n:\n\nevent: next\r\ndata: a\r\ndata: b\r\n\r\nevent: complete\ndata:\n\nevent: next\ndata: cut o'

it('reads the same events from any pieces of the stream', async () => {
  const bytes = new TextEncoder().encode(STREAM)
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }))
  await fc.assert(
    fc.asyncProperty(cuts, async (places) => {
      const edges = [0, ...places.toSorted((a, b) => a - b), bytes.length]
      const pieces = edges.slice(1).map((end, at) => bytes.slice(edges[at], end))
      expect(await eventsOf(bodyOf(pieces))).toEqual([
        { event: 'next', data: '{"name":"Zoë 🎬"}' },
        { event: 'next', data: 'a\nb' },
        { event: 'complete', data: '' },
      ])
    }),
  )
})

it('ends where the connection says nothing any more', async () => {
  const clock = createTestClock()
  const silent = new ReadableStream<Uint8Array>({})
  const read = eventsOf(silent, clock)
  clock.advance(46)
  expect(await read).toEqual([])
})

function bodyOf(pieces: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece)
      controller.close()
    },
  })
}

async function eventsOf(
  body: ReadableStream<Uint8Array>,
  clock = createTestClock(),
): Promise<ServerEvent[]> {
  const events: ServerEvent[] = []
  for await (const event of readServerSentEvents(body, clock)) events.push(event)
  return events
}
