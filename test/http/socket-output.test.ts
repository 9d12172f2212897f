import { describe, expect, it } from 'vitest'
import {
  createSocketOutput,
  messagePrefix,
} from '../../src/http/graphql/websocket/connection-output.ts'

/** Creates an output whose socket is full after `capacity` messages until `empty` is called. */
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
  /** Sends these payloads one after another, each once the output is writable. */
  function sendAll(id: string, [payload, ...rest]: readonly string[]): void {
    if (payload === undefined) return
    output.enqueue({}, async () => {
      output.sendSerialized(messagePrefix(id), payload)
      sendAll(id, rest)
    })
  }
  async function empty(): Promise<void> {
    unread = 0
    output.flushed()
    await settled()
  }
  return { output, sent, sendAll, empty }
}

async function settled(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
}

function event(id: string, payload: string): string {
  return `${messagePrefix(id)}"next","payload":${payload}}`
}

describe('socket output', () => {
  it('waits while the socket is full, then sends from the operations in round-robin order', async () => {
    const { output, sent, sendAll, empty } = fullAfter(1)
    output.send({})
    sendAll('1', ['1', '2', '3'])
    sendAll('2', ['4', '5'])
    sendAll('3', ['6'])
    await settled()
    const expected = ['{}']
    expect(sent).toEqual(expected)
    for (const next of [
      event('1', '1'),
      event('2', '4'),
      event('3', '6'),
      event('1', '2'),
      event('2', '5'),
      event('1', '3'),
    ]) {
      await empty()
      expected.push(next)
      expect(sent).toEqual(expected)
    }
  })

  it('waits for the turns of its host before each event that has waited for the client', async () => {
    const executed: string[] = []
    const turns: (() => void)[] = []
    const output = createSocketOutput({
      send: () => false,
      nextTurn: () => new Promise((resolve) => void turns.push(resolve)),
    })
    output.enqueue({}, async () => void executed.push('at once'))
    await settled()
    expect(executed.splice(0)).toEqual(['at once'])
    output.send({})
    for (const id of ['1', '2', '3']) output.enqueue({}, async () => void executed.push(id))
    output.flushed()
    for (const expected of [[], ['1'], ['1', '2'], ['1', '2', '3']]) {
      await settled()
      expect(executed).toEqual(expected)
      turns.shift()?.()
    }
    expect(turns).toEqual([])
  })

  it('executes one event at a time, and none while the socket is full', async () => {
    const { output, sent, empty } = fullAfter(2)
    const executed: string[] = []
    const finish: (() => void)[] = []
    for (const id of ['1', '2', '3', '4']) {
      output.enqueue({}, async () => {
        executed.push(id)
        await new Promise<void>((resolve) => void finish.push(resolve))
        output.sendSerialized(messagePrefix(id), id)
      })
    }
    await settled()
    expect(executed).toEqual(['1'])
    finish.shift()?.()
    await settled()
    expect(executed).toEqual(['1', '2'])
    finish.shift()?.()
    await settled()
    expect(sent).toEqual([event('1', '1'), event('2', '2')])
    expect(executed).toEqual(['1', '2'])
    await empty()
    expect(executed).toEqual(['1', '2', '3'])
  })

  it('drops waiting events of stopped operations', async () => {
    const { output, sent, empty } = fullAfter(1)
    output.send({})
    for (let count = 0; count < 100; count += 1) {
      const operation = {}
      output.enqueue(operation, async () => output.send({ count }))
      output.dequeue(operation)
    }
    await empty()
    expect(sent).toEqual(['{}'])
    expect(output.isWritable()).toBe(true)
  })
})
