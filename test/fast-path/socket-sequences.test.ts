/** Both paths reply equally to any sequence of WebSocket messages. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wholeNumberFrom } from '../chaos/seed.ts'
import { PAYLOADS, message, withUID } from './socket-inputs.ts'
import {
  type RawSocket,
  type ClientMessage,
  waitForReplies,
  comparable,
  connect,
  openRaw,
} from './socket-messages.ts'
import { createSetup } from './setup.ts'
import { createTestUpload } from './upload-histories.ts'
import { until } from './subscription-clients.ts'

const seed = wholeNumberFrom('HEADGATE_FAST_PATH_SEED') ?? Math.floor(Math.random() * 1_000_000)
const runs = Math.min(2000, wholeNumberFrom('HEADGATE_FAST_PATH_OPERATIONS') ?? 60)
const OPEN = { kind: 'disabled' } as const

/** Messages that are sent together, optionally followed by a change of the upload. */
const step = fc.record({
  messages: fc.array(message, { minLength: 1, maxLength: 4 }),
  isChanged: fc.boolean(),
})

describe(`messages of a socket with HEADGATE_FAST_PATH_SEED=${seed}`, () => {
  it('get equal replies from both paths, in any order', { timeout: 300_000 }, async () => {
    const setup = await createSetup({ auth: OPEN })
    let upload = await createTestUpload(setup)
    for (const payload of [PAYLOADS[0], PAYLOADS[5], PAYLOADS[8]]) {
      const socket = await openRaw(setup.fast)
      await connect([socket])
      for (const name of ['a', 'b']) {
        const text = payload.replace('UID', upload.uid)
        socket.send(`{"id":"${name}","type":"subscribe","payload":${text}}`)
      }
      await waitForReplies([socket, socket], 'warm-up')
      socket.close()
    }

    async function sendBoth(
      sockets: readonly [RawSocket, RawSocket],
      {
        messages,
        isChanged,
      }: { readonly messages: readonly ClientMessage[]; readonly isChanged: boolean },
    ): Promise<void> {
      for (const template of messages) {
        const text = withUID(template, upload.uid)
        for (const socket of sockets) socket.send(text)
      }
      await waitForReplies(sockets, 'messages')
      if (isChanged) await upload.record('bytes')
      const [fast, fallback] = sockets
      await until(() => comparable(fast) === comparable(fallback)).catch(() => undefined)
      expect(comparable(fast)).toEqual(comparable(fallback))
    }

    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 9 }),
        fc.array(step, { minLength: 1, maxLength: 6 }),
        async (chance, steps) => {
          upload = await createTestUpload(setup)
          const sockets = [await openRaw(setup.fast), await openRaw(setup.fallback)] as const
          if (chance > 0) await connect(sockets)
          for (const nextStep of steps) await sendBoth(sockets, nextStep)
          for (const socket of sockets) socket.close()
          await until(
            () => setup.dependencies.watchRegistry.watchedUids(setup.clock.now()).size === 0,
            'the end of the watch',
          )
        },
      ),
      { seed, numRuns: runs, endOnFailure: true },
    )
    expect(setup.joinedSubscriptions()).toBeGreaterThan(runs / 10)
    expect(setup.errors).toEqual([])
  })
})
