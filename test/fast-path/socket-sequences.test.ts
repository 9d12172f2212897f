/** The fast path of sockets against graphql-ws alone: any sequence of messages is replied to alike. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wholeNumberFrom } from '../chaos/seed.ts'
import { PAYLOADS, message, withUID } from './socket-inputs.ts'
import {
  type RawSocket,
  type Sending,
  bothQuiet,
  comparable,
  connect,
  openRaw,
} from './socket-messages.ts'
import { setSetup } from './setup.ts'
import { beginStory } from './upload-histories.ts'
import { until } from './subscription-clients.ts'

const seed = wholeNumberFrom('HEADGATE_FAST_PATH_SEED') ?? Math.floor(Math.random() * 1_000_000)
const runs = Math.min(2000, wholeNumberFrom('HEADGATE_FAST_PATH_OPERATIONS') ?? 60)
const OPEN = { kind: 'disabled' } as const

/** Sent in one go, and then the upload changes or does not. */
const step = fc.record({
  messages: fc.array(message, { minLength: 1, maxLength: 4 }),
  isChanged: fc.boolean(),
})

describe(`messages of a socket with HEADGATE_FAST_PATH_SEED=${seed}`, () => {
  it('are replied to alike by both paths, whatever their order', { timeout: 300_000 }, async () => {
    const setup = await setSetup({ auth: OPEN })
    let story = await beginStory(setup)
    for (const payload of [PAYLOADS[0], PAYLOADS[5], PAYLOADS[8]]) {
      const lesson = await openRaw(setup.fast)
      await connect([lesson])
      for (const name of ['a', 'b']) {
        const text = payload.replace('UID', story.uid)
        lesson.send(`{"id":"${name}","type":"subscribe","payload":${text}}`)
      }
      await bothQuiet([lesson, lesson], 'lesson')
      lesson.close()
    }

    async function sendBoth(
      sockets: readonly [RawSocket, RawSocket],
      {
        messages,
        isChanged,
      }: { readonly messages: readonly Sending[]; readonly isChanged: boolean },
    ): Promise<void> {
      for (const sending of messages) {
        const named = withUID(sending, story.uid)
        for (const socket of sockets) socket.send(named)
      }
      await bothQuiet(sockets, 'messages')
      if (isChanged) await story.tell('bytes')
      const [fast, long] = sockets
      await until(() => comparable(fast) === comparable(long)).catch(() => undefined)
      expect(comparable(fast)).toEqual(comparable(long))
    }

    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 9 }),
        fc.array(step, { minLength: 1, maxLength: 6 }),
        async (luck, steps) => {
          story = await beginStory(setup)
          const sockets = [await openRaw(setup.fast), await openRaw(setup.long)] as const
          if (luck > 0) await connect(sockets)
          for (const one of steps) await sendBoth(sockets, one)
          for (const socket of sockets) socket.close()
          await until(
            () => setup.parts.watchers.watchedUids(setup.clock.now()).size === 0,
            'leaving',
          )
        },
      ),
      { seed, numRuns: runs, endOnFailure: true },
    )
    expect(setup.seated()).toBeGreaterThan(runs / 10)
    expect(setup.errors).toEqual([])
  })
})
