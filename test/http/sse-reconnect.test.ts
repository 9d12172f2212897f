import { expect, it } from 'vitest'
import { withReconnect } from '../../src/http/graphql/sse-reconnect.ts'

it('reads an event only when the client can receive it', async () => {
  let read = 0
  const events = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        read += 1
        controller.enqueue(new Uint8Array([read]))
      },
    },
    { highWaterMark: 0 },
  )
  const reader = withReconnect(events, () => false, new AbortController().signal).getReader()
  for (const expected of [1, 2]) {
    const { value } = await reader.read()
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    expect([...(value ?? [])]).toEqual([expected])
    expect(read).toBe(expected)
  }
})
