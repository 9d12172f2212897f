/** Subscribers that join and leave at any time receive each version once, in order, until the last. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Setup, createSetup } from './setup.ts'
import { type TestUpload, createTestUpload } from './upload-histories.ts'
import { type SocketClient, openSocket, ticks, until } from './subscription-clients.ts'

const WATCH = 'subscription ($uid: ID!) { uploadStatus(uid: $uid) { status version } }'

type Step =
  | { readonly kind: 'join' | 'leave'; readonly index: number }
  | { readonly kind: 'change' | 'pause' }

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('join' as const), index: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('leave' as const), index: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('change' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pause' as const) }) },
)

/** Returns the messages of one subscription. */
function messagesOf(
  client: SocketClient,
  id: string,
): readonly { version: number | null; text: string }[] {
  return client.messages
    .filter((text) => text.startsWith(`{"id":"${id}"`))
    .map((text) => {
      const version = /"version":(\d+)/.exec(text)?.[1]
      return { version: version === undefined ? null : Number(version), text }
    })
}

async function runSteps(
  client: SocketClient,
  upload: TestUpload,
  steps: readonly Step[],
  prefix: number,
): Promise<void> {
  const payload = { query: WATCH, variables: { uid: upload.uid } }
  const connections = new Map<number, string>()
  const joined = new Map<string, { readonly least: number; stays: boolean }>()
  let count = 0
  let version = 1
  /** Changes run while messages are sent, until the next pause. */
  let changing: Promise<void> = Promise.resolve()
  for (const step of steps) {
    switch (step.kind) {
      case 'join': {
        if (connections.has(step.index)) break
        count += 1
        const id = `${prefix}-${count}`
        connections.set(step.index, id)
        joined.set(id, { least: version, stays: true })
        client.send({ id, type: 'subscribe', payload })
        break
      }
      case 'leave': {
        const id = connections.get(step.index)
        if (id === undefined) break
        connections.delete(step.index)
        joined.set(id, { least: 0, stays: false })
        client.send({ id, type: 'complete' })
        break
      }
      case 'change':
        version += 1
        changing = changing.then(() => upload.record('bytes'))
        break
      case 'pause':
        await changing
        await ticks(3)
        break
    }
  }
  await changing
  const last = version + 1
  await upload.record('ready')
  const staying = [...joined].flatMap(([id, { stays }]) => (stays ? [id] : []))
  await until(
    () =>
      staying.every((id) => messagesOf(client, id).at(-1)?.text.includes('"complete"') === true),
    `the end of ${staying.join()} in ${JSON.stringify(steps)}`,
  )
  for (const [id, { stays }] of joined) {
    const messages = messagesOf(client, id)
    const versions = messages.flatMap(({ version: seen }) => (seen === null ? [] : [seen]))
    const gaps = versions.slice(1).map((seen, index) => seen - (versions[index] ?? 0))
    // Each version after the first is received once and in order.
    expect(gaps.every((gap) => gap === 1)).toBe(true)
    const completes = messages.filter(({ text }) => text.includes('"complete"')).length
    // A subscriber that stays receives the last version, and then the completion.
    const end = { last: versions.at(-1), completes, version: messages.at(-1)?.version }
    // The `complete` of a subscriber that leaves may cross the last version on the wire.
    if (!stays && completes === 0) continue
    expect(end).toEqual({ last, completes: 1, version: null })
  }
}

async function warmSetup(): Promise<{ setup: Setup; client: SocketClient }> {
  const setup = await createSetup({ auth: { kind: 'disabled' } })
  const client = await openSocket(setup.fast)
  const { uid } = await createTestUpload(setup)
  for (const id of ['first', 'second']) {
    client.send({ id, type: 'subscribe', payload: { query: WATCH, variables: { uid } } })
    await until(() => messagesOf(client, id).length > 0)
    client.send({ id, type: 'complete' })
  }
  return { setup, client }
}

describe('a shared subscription', () => {
  it(
    'delivers each version once to each subscriber, while others join and leave',
    { timeout: 60_000 },
    async () => {
      const { setup, client } = await warmSetup()
      let runs = 0
      await fc.assert(
        fc.asyncProperty(
          fc.array(stepArbitrary, { minLength: 3, maxLength: 30 }),
          async (steps) => {
            runs += 1
            await runSteps(client, await createTestUpload(setup), steps, runs)
          },
        ),
        {
          numRuns: 60,
          ...(process.env['HEADGATE_FAST_PATH_OPERATIONS'] === undefined ? {} : { numRuns: 600 }),
        },
      )
      expect(setup.joinedSubscriptions()).toBeGreaterThan(60)
      expect(client.closed()).toBeNull()
      await until(
        () => setup.dependencies.watchRegistry.watchedUids(setup.clock.now()).size === 0,
        'the end of the watch',
      )
      expect(setup.errors).toEqual([])
    },
  )
})
