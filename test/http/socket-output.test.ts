import { describe, expect, it } from 'vitest'
import {
  createSocketOutput,
  messagePrefix,
} from '../../src/http/graphql/websocket/connection-output.ts'

/** Creates an output whose socket is full after `most` messages until `empty` is called. */
function fullAfter(capacity: number) {
  const sent: string[] = []
  let unread = 0
  const output = createSocketOutput({
    send(message) {
      sent.push(message)
      unread += 1
      return unread < capacity
    },
  })
  return {
    output,
    sent,
    empty: () => {
      unread = 0
      output.flushed()
    },
  }
}

function event(id: string, payload: string): string {
  return `${messagePrefix(id)}"next","payload":${payload}}`
}

describe('socket output', () => {
  it('waits while the socket is full, then sends from the senders in round-robin order', async () => {
    const { output, sent, empty } = fullAfter(1)
    const [first, second] = [
      output.createSender(messagePrefix('1')),
      output.createSender(messagePrefix('2')),
    ]
    await first.send('1')
    const waiting = [first.send('2'), second.send('3')]
    expect(sent).toEqual([event('1', '1')])
    empty()
    await waiting[0]
    expect(sent).toEqual([event('1', '1'), event('1', '2')])
    const last = first.send('4')
    empty()
    await waiting[1]
    expect(sent.slice(2)).toEqual([event('2', '3')])
    empty()
    await last
    expect(sent.slice(3)).toEqual([event('1', '4')])
  })

  it('drops waiting messages of stopped operations', async () => {
    const { output, sent, empty } = fullAfter(1)
    output.send({})
    for (let count = 0; count < 100; count += 1) {
      const sender = output.createSender(messagePrefix(String(count)))
      const sending = sender.send('1')
      sender.stop()
      await sending
    }
    empty()
    expect(sent).toEqual(['{}'])
    expect(output.isWritable()).toBe(true)
  })
})
