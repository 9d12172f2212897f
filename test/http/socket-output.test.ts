import { describe, expect, it } from 'vitest'
import { createSocketOutput, headOf } from '../../src/http/graphql/websocket/connection-output.ts'

/** A socket that is full after so many messages, until it is emptied. */
function fullAfter(most: number) {
  const sent: string[] = []
  let unread = 0
  const output = createSocketOutput({
    send(message) {
      sent.push(message)
      unread += 1
      return unread < most
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
  return `${headOf(id)}"next","payload":${payload}}`
}

describe('what a socket is sent', () => {
  it('waits while it is full, and then each producer has its turn', async () => {
    const { output, sent, empty } = fullAfter(1)
    const [one, other] = [output.createSender(headOf('1')), output.createSender(headOf('2'))]
    await one.send('1')
    const waiting = [one.send('2'), other.send('3')]
    expect(sent).toEqual([event('1', '1')])
    empty()
    await waiting[0]
    expect(sent).toEqual([event('1', '1'), event('1', '2')])
    const last = one.send('4')
    empty()
    await waiting[1]
    expect(sent.slice(2)).toEqual([event('2', '3')])
    empty()
    await last
    expect(sent.slice(3)).toEqual([event('1', '4')])
  })

  it('keeps nothing that waits for an operation that is over', async () => {
    const { output, sent, empty } = fullAfter(1)
    output.send({})
    for (let count = 0; count < 100; count += 1) {
      const sender = output.createSender(headOf(String(count)))
      const sending = sender.send('1')
      sender.stop()
      await sending
    }
    empty()
    expect(sent).toEqual(['{}'])
    expect(output.hasRoom()).toBe(true)
  })
})
