/** Parsing of server-sent events from any split of the bytes. */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  type ServerEvent,
  readServerSentEvents,
} from '../../src/client/gateway/server-sent-events.ts'
import { createTestClock } from '../kit/clock.ts'

const STREAM =
  ':\n\nevent: next\ndata: {"name":"Zoë 🎬"}\n\n:\n\nevent: next\r\ndata: a\r\ndata: b\r\n\r\nevent: complete\ndata:\n\nevent: next\ndata: cut o'

it('reads the same events from any split of the stream', async () => {
  const bytes = new TextEncoder().encode(STREAM)
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }))
  await fc.assert(
    fc.asyncProperty(cuts, async (cutOffsets) => {
      const edges = [0, ...cutOffsets.toSorted((a, b) => a - b), bytes.length]
      const chunks = edges.slice(1).map((end, index) => bytes.slice(edges[index], end))
      expect(await eventsOf(bodyOf(chunks))).toEqual([
        { event: 'next', data: '{"name":"Zoë 🎬"}' },
        { event: 'next', data: 'a\nb' },
        { event: 'complete', data: '' },
      ])
    }),
  )
})

it('ends when the connection is silent for more than 45 seconds', async () => {
  const clock = createTestClock()
  const silent = new ReadableStream<Uint8Array>({})
  const read = eventsOf(silent, clock)
  clock.advance(46)
  expect(await read).toEqual([])
})

function bodyOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
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
