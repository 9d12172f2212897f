/** The queue of WebSocket messages on a simulated event loop. */
import { describe, expect, it } from 'vitest'
import { createScheduling } from '../../src/node/server/accept-priority.ts'
import { createMessageQueue } from '../../src/node/server/message-queue.ts'

interface Handled {
  readonly socket: string
  readonly text: string
  readonly tick: number
}

/** @param costMs the handling time of each message */
function simulate(costMs: number) {
  let now = 0
  let tick = 0
  let due: (() => void)[] = []
  const handled: Handled[] = []
  const paused = new Set<string>()
  const queue = createMessageQueue(
    createScheduling({ now: () => now, later: (run) => void due.push(run) }),
  )
  return {
    handled,
    paused,
    open: (socket: string, network = '192.0.2.1') =>
      queue.open(
        {
          handle(message) {
            now += costMs
            handled.push({ socket, text: message.toString(), tick })
          },
          pause: () => void paused.add(socket),
          resume: () => void paused.delete(socket),
        },
        network,
      ),
    runTick: () => {
      tick += 1
      const callbacks = due
      due = []
      for (const run of callbacks) run()
    },
    isIdle: () => due.length === 0,
  }
}

const handledAs = ({ socket, text }: Handled): string => `${socket}${text}`

function perTick(handled: readonly Handled[]): readonly number[] {
  const last = handled.at(-1)?.tick ?? 0
  return Array.from(
    { length: last + 1 },
    (_, tick) => handled.filter((message) => message.tick === tick).length,
  )
}

describe('the message queue', () => {
  it('handles a message immediately, and pauses no socket', () => {
    const { handled, paused, open, runTick, isIdle } = simulate(1)
    open('a').receive(Buffer.from('1'))
    expect(handled.map(handledAs)).toEqual(['a1'])
    expect(paused.size).toBe(0)
    runTick()
    expect(isIdle()).toBe(true)
  })

  it.each([
    [5, 1],
    [1, 4],
    [0.01, 16],
  ])('handles messages of %d ms at most %d per tick', (costMs, most) => {
    const { handled, open, runTick, isIdle } = simulate(costMs)
    const sockets = Array.from({ length: 40 }, (_, index) => open(String(index)))
    for (const socket of sockets) socket.receive(Buffer.from('1'))
    while (!isIdle()) runTick()
    expect(handled).toHaveLength(40)
    expect(Math.max(...perTick(handled))).toBe(most)
  })

  it('handles one message of each socket in turn, and resumes a socket when none waits', () => {
    const { handled, paused, open, runTick, isIdle } = simulate(5)
    const a = open('a')
    const b = open('b')
    for (const text of ['1', '2', '3']) a.receive(Buffer.from(text))
    b.receive(Buffer.from('1'))
    expect([...paused]).toEqual(['a', 'b'])
    expect([a.isWaiting(), b.isWaiting()]).toEqual([true, true])
    for (let tick = 0; tick < 3; tick += 1) runTick()
    expect([...paused]).toEqual(['a'])
    while (!isIdle()) runTick()
    expect(handled.map(handledAs)).toEqual(['a1', 'a2', 'b1', 'a3'])
    expect([paused.size, a.isWaiting()]).toEqual([0, false])
  })

  it('handles messages of each caller in turn, however many sockets a caller has', () => {
    const { handled, paused, open, runTick, isIdle } = simulate(5)
    const many = Array.from({ length: 50 }, () => open('many'))
    for (const socket of many) {
      socket.setCaller('mallory')
      for (const text of ['1', '2']) socket.receive(Buffer.from(text))
    }
    const anonymous = Array.from({ length: 50 }, () => open('anonymous'))
    for (const socket of anonymous) socket.receive(Buffer.from('1'))
    const ada = open('ada')
    ada.setCaller('ada')
    for (const text of ['1', '2', '3']) ada.receive(Buffer.from(text))
    while (!isIdle()) runTick()
    expect(handled.slice(1, 10).map(({ socket }) => socket)).toEqual(
      Array.from({ length: 3 }, () => ['many', 'anonymous', 'ada']).flat(),
    )
    expect(handled).toHaveLength(153)
    expect(paused.size).toBe(0)
  })

  it('handles messages of each network in turn before the callers are known', () => {
    const { handled, open, runTick, isIdle } = simulate(5)
    const flood = Array.from({ length: 4000 }, () => open('flood', '198.51.100.7'))
    for (const socket of flood) socket.receive(Buffer.from('1'))
    const ada = open('ada', '2001:db8:0:0')
    // A caller whose subject is the text of a network has its own turn.
    const caller = open('caller')
    caller.setCaller('198.51.100.7')
    for (const socket of [ada, caller]) {
      for (const text of ['1', '2']) socket.receive(Buffer.from(text))
    }
    while (!isIdle()) runTick()
    expect(handled.slice(1, 7).map(({ socket }) => socket)).toEqual(
      Array.from({ length: 2 }, () => ['flood', 'ada', 'caller']).flat(),
    )
  })

  it('moves a socket to the turns of its caller while its messages wait', () => {
    const { handled, open, runTick, isIdle } = simulate(5)
    const others = Array.from({ length: 20 }, () => open('other'))
    const ada = open('ada')
    for (const text of ['1', '2', '3']) ada.receive(Buffer.from(text))
    for (const socket of others) socket.receive(Buffer.from('1'))
    ada.setCaller('ada')
    while (!isIdle()) runTick()
    expect(handled.slice(0, 4).map(handledAs)).toEqual(['ada1', 'ada2', 'other1', 'ada3'])
    expect(handled).toHaveLength(23)
  })

  it('discards the messages of a socket that is closed', () => {
    const { handled, open, runTick, isIdle } = simulate(5)
    const a = open('a')
    const b = open('b')
    for (const text of ['1', '2', '3']) a.receive(Buffer.from(text))
    b.receive(Buffer.from('1'))
    a.close()
    expect(a.isWaiting()).toBe(false)
    while (!isIdle()) runTick()
    expect(handled.map(handledAs)).toEqual(['a1', 'b1'])
  })
})
