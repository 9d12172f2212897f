/** Whoever joins or leaves an audience when, sees versions that grow, from the present to the last. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Setup, setSetup } from './setup.ts'
import { type Story, beginStory } from './upload-histories.ts'
import { type Line, openLine, turns, until } from './subscription-clients.ts'

const WATCH = 'subscription ($uid: ID!) { uploadStatus(uid: $uid) { status version } }'

type Act =
  | { readonly kind: 'join' | 'leave'; readonly who: number }
  | { readonly kind: 'change' | 'pause' }

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('join' as const), who: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('leave' as const), who: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('change' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pause' as const) }) },
)

/** What one subscription of the line was told. */
function toldTo(line: Line, id: string): readonly { version: number | null; text: string }[] {
  return line.messages
    .filter((text) => text.startsWith(`{"id":"${id}"`))
    .map((text) => {
      const version = /"version":(\d+)/.exec(text)?.[1]
      return { version: version === undefined ? null : Number(version), text }
    })
}

async function play(line: Line, story: Story, acts: readonly Act[], run: number): Promise<void> {
  const payload = { query: WATCH, variables: { uid: story.uid } }
  const connections = new Map<number, string>()
  const joined = new Map<string, { readonly least: number; stays: boolean }>()
  let count = 0
  let version = 1
  /** What is sent before the next pause is sent in one go. */
  let changing: Promise<void> = Promise.resolve()
  for (const one of acts) {
    switch (one.kind) {
      case 'join': {
        if (connections.has(one.who)) break
        count += 1
        const id = `${run}-${count}`
        connections.set(one.who, id)
        joined.set(id, { least: version, stays: true })
        line.send({ id, type: 'subscribe', payload })
        break
      }
      case 'leave': {
        const id = connections.get(one.who)
        if (id === undefined) break
        connections.delete(one.who)
        joined.set(id, { least: 0, stays: false })
        line.send({ id, type: 'complete' })
        break
      }
      case 'change':
        version += 1
        changing = changing.then(() => story.tell('bytes'))
        break
      case 'pause':
        await changing
        await turns(3)
        break
    }
  }
  await changing
  const last = version + 1
  await story.tell('ready')
  const staying = [...joined].flatMap(([id, { stays }]) => (stays ? [id] : []))
  await until(
    () => staying.every((id) => toldTo(line, id).at(-1)?.text.includes('"complete"') === true),
    `the end of ${staying.join()} in ${JSON.stringify(acts)}`,
  )
  for (const [id, { stays }] of joined) {
    const told = toldTo(line, id)
    const versions = told.flatMap((one) => (one.version === null ? [] : [one.version]))
    const gaps = versions.slice(1).map((one, index) => one - (versions[index] ?? 0))
    // Each after the first once, none lost, and in order.
    expect(gaps.every((gap) => gap === 1)).toBe(true)
    const completes = told.filter(({ text }) => text.includes('"complete"')).length
    // Whoever stays is told the last one, and then that it was the last.
    const end = { last: versions.at(-1), completes, version: told.at(-1)?.version }
    expect(stays ? end : { completes }).toEqual(
      stays ? { last, completes: 1, version: null } : { completes: 0 },
    )
  }
}

async function seatedSetup(): Promise<{ stage: Setup; line: Line }> {
  const setup = await setSetup({ auth: { kind: 'disabled' } })
  const line = await openLine(setup.fast)
  const { uid } = await beginStory(setup)
  for (const id of ['first', 'second']) {
    line.send({ id, type: 'subscribe', payload: { query: WATCH, variables: { uid } } })
    await until(() => toldTo(line, id).length > 0)
    line.send({ id, type: 'complete' })
  }
  return { stage: setup, line }
}

describe('an audience', () => {
  it('tells everybody each version once, whoever comes and goes', { timeout: 60_000 }, async () => {
    const { stage: setup, line } = await seatedSetup()
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 3, maxLength: 30 }), async (acts) => {
        run += 1
        await play(line, await beginStory(setup), acts, run)
      }),
      {
        numRuns: 60,
        ...(process.env['HEADGATE_FAST_PATH_OPERATIONS'] === undefined ? {} : { numRuns: 600 }),
      },
    )
    expect(setup.seated()).toBeGreaterThan(60)
    expect(line.closed()).toBeNull()
    await until(
      () => setup.parts.watchers.watchedUids(setup.clock.now()).size === 0,
      'being forgotten',
    )
    expect(setup.errors).toEqual([])
  })
})
