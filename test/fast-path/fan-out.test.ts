/** Many who watch the same: who sees what, who goes when, and what is left of it in the end. */
import { describe, expect, it } from 'vitest'
import { MAX_SUBSCRIPTIONS_PER_CALLER } from '../../src/uploads/ports/watch-registry.ts'
import { tokenFor } from '../kit/gateway.ts'
import { ask } from './both-paths.ts'
import { setSetup } from './setup.ts'
import { beginStory } from './upload-histories.ts'
import { WATCH, bodyFor, teach, teachUpload, versionsOf } from './subscriptions.ts'
import { openLine, turns, until, watchByEvents } from './subscription-clients.ts'

const OPEN = { kind: 'disabled' } as const

function parsed(text: string): unknown {
  return JSON.parse(text)
}

describe('an audience', () => {
  it('goes on when those who came first leave, and is forgotten with the last', async () => {
    const setup = await setSetup({ auth: OPEN })
    await teachUpload(setup)
    const story = await beginStory(setup)
    const group = [1, 2, 3].map(() => watchByEvents(setup.fast, bodyFor(story.uid)))
    await until(() => group.every(({ results }) => results.length === 1), 'the present state')
    expect(setup.seated()).toBe(3)
    group[0]?.leave()
    await story.tell('bytes')
    await until(() => group.slice(1).every(({ results }) => results.length === 2))
    group[1]?.leave()
    await story.tell('bytes')
    await until(() => group[2]?.results.length === 3)
    expect(setup.parts.watchers.watchedUids(setup.clock.now())).toEqual(new Set([story.uid]))
    group[2]?.leave()
    // Stream is asked about it no sooner than about any other.
    await until(
      () => setup.parts.watchers.watchedUids(setup.clock.now()).size === 0,
      'being forgotten',
    )
    const again = watchByEvents(setup.fast, bodyFor(story.uid))
    await until(() => again.results.length === 1)
    await story.tell('queued')
    await until(() => again.results.length === 2)
    expect(setup.seated()).toBe(4)
    expect(versionsOf(again)).toEqual([3, 4])
  })

  it('sends the current state to later subscribers', async () => {
    const setup = await setSetup({ auth: OPEN })
    await teachUpload(setup)
    const { uid } = await beginStory(setup)
    const first = watchByEvents(setup.fast, bodyFor(uid))
    await until(() => first.results.length === 1, 'the current state')
    const later = watchByEvents(setup.fast, bodyFor(uid))
    await until(() => later.results.length === 1, 'the current state')
    expect(setup.seated()).toBe(2)
    expect(later.results).toEqual(first.results)
  })

  it('is joined at the very moment when its last one leaves', async () => {
    const setup = await setSetup({ auth: OPEN })
    const line = await openLine(setup.fast)
    const story = await beginStory(setup)
    const payload = { query: WATCH, variables: { uid: story.uid } }
    for (let time = 0; time < 8; time += 1) {
      // In one go, as a page does that shows the same upload in another place.
      line.send(
        { id: String(time), type: 'subscribe', payload },
        ...(time === 0 ? [] : [{ id: String(time - 1), type: 'complete' }]),
      )
      await until(() => line.messages.some((text) => text.startsWith(`{"id":"${time}"`)))
      await turns(20)
      line.send(
        { id: String(time), type: 'complete' },
        { id: `${time}b`, type: 'subscribe', payload },
      )
      await until(() => line.messages.some((text) => text.startsWith(`{"id":"${time}b"`)))
      await turns(20)
      line.send(
        { id: String(time), type: 'subscribe', payload },
        { id: `${time}b`, type: 'complete' },
      )
      await turns(20)
    }
    expect(setup.seated()).toBeGreaterThan(10)
    expect(line.messages.filter((text) => text.includes('"complete"'))).toEqual([])
    await story.tell('queued')
    await until(() => line.messages.at(-1)?.includes('QUEUED') === true, 'the change')
    expect(line.closed()).toBeNull()
  })

  it('shows an upload URL to its creator alone, whoever watches beside', async () => {
    const setup = await setSetup()
    const ada = { authorization: `Bearer ${await tokenFor('ada')}` }
    const admin = { authorization: `Bearer ${await tokenFor('root', { scope: 'uploads:admin' })}` }
    const both = { authorization: `Bearer ${await tokenFor('ada', { scope: 'uploads:admin' })}` }
    await teachUpload(setup, ada)
    // The lane remembers who has sent a token before.
    for (const headers of [admin, both]) await ask(setup.long, { query: '{ __typename }', headers })
    const { uid, tell } = await beginStory(setup, ada)
    const fast = [ada, admin, both].map((headers) =>
      watchByEvents(setup.fast, bodyFor(uid), headers),
    )
    const long = [ada, admin, both].map((headers) =>
      watchByEvents(setup.long, bodyFor(uid), headers),
    )
    await until(() => [...fast, ...long].every(({ results }) => results.length === 1))
    await tell('bytes')
    await until(() => [...fast, ...long].every(({ results }) => results.length === 2))
    expect(setup.seated()).toBe(3)
    expect(fast.map(({ results }) => results)).toEqual(long.map(({ results }) => results))
    expect(fast[0]?.results.join()).toContain('"uploadURL":"http')
    expect(fast[1]?.results.join()).not.toContain('"uploadURL":"http')
  })

  it('loses those whose token lapses, and nobody else', async () => {
    const setup = await setSetup()
    const now = Math.floor(setup.clock.now().getTime() / 1000)
    const short = { authorization: `Bearer ${await tokenFor('ada', { exp: now + 60 })}` }
    const longer = { authorization: `Bearer ${await tokenFor('ada', { exp: now + 600 })}` }
    await teachUpload(setup, short)
    const { uid, tell } = await beginStory(setup, longer)
    const brief = watchByEvents(setup.fast, bodyFor(uid), short)
    const briefLong = watchByEvents(setup.long, bodyFor(uid), short)
    await ask(setup.long, { query: '{ __typename }', headers: longer })
    const lasting = watchByEvents(setup.fast, bodyFor(uid), longer)
    await until(() => [brief, briefLong, lasting].every(({ results }) => results.length === 1))
    expect(setup.seated()).toBe(2)
    setup.clock.advance(61)
    await until(() => brief.ended() !== null && briefLong.ended() !== null, 'the lapse')
    expect(brief.ended()).toBe(briefLong.ended())
    await tell('queued')
    await until(() => lasting.results.length === 2)
    expect(brief.results).toHaveLength(1)
    expect(lasting.ended()).toBeNull()
  })

  it(
    'has no more of one caller than may watch by both ways together',
    { timeout: 60_000 },
    async () => {
      const setup = await setSetup({ auth: OPEN })
      const { uid } = await beginStory(setup)
      const payload = { query: WATCH, variables: { uid } }
      const [fast, long] = [await openLine(setup.fast), await openLine(setup.long)]
      for (let count = 0; count < MAX_SUBSCRIPTIONS_PER_CALLER / 2; count += 1) {
        for (const line of [fast, long]) line.send({ id: `${count}`, type: 'subscribe', payload })
      }
      await until(() => fast.messages.length >= 500 && long.messages.length >= 500, 'a thousand')
      expect(
        [...fast.messages, ...long.messages].filter((text) => text.includes('errors')),
      ).toEqual([])
      expect(setup.seated()).toBeGreaterThan(200)
      const refusals: unknown[] = []
      for (const line of [fast, long]) {
        const before = line.messages.length
        line.send({ id: 'more', type: 'subscribe', payload })
        await until(() => line.messages.length > before)
        refusals.push(line.messages.slice(before).map(parsed))
      }
      expect(refusals[0]).toEqual(refusals[1])
      expect(JSON.stringify(refusals[0])).toContain('RATE_LIMITED')
      // Whoever leaves makes room.
      fast.send({ id: '499', type: 'complete' })
      await turns(20)
      const before = long.messages.length
      long.send({ id: 'room', type: 'subscribe', payload })
      await until(() => long.messages.length > before)
      expect(long.messages.at(-1)).not.toContain('RATE_LIMITED')
    },
  )

  it('is opened for variables of any depth, or not at all, and never breaks', async () => {
    const setup = await setSetup({ auth: OPEN })
    const { uid } = await beginStory(setup)
    await teach(setup, bodyFor(uid))
    const deep = `${'['.repeat(25_000)}${']'.repeat(25_000)}`
    const body = `{"query":${JSON.stringify(WATCH)},"variables":{"uid":"${uid}","more":${deep}}}`
    const fast = watchByEvents(setup.fast, body)
    const long = watchByEvents(setup.long, body)
    expect(await fast.opened).toEqual(await long.opened)
    await until(() => fast.results.length === 1 && long.results.length === 1)
    expect(fast.results).toEqual(long.results)
    const line = await openLine(setup.fast)
    line.socket.send(`{"id":"1","type":"subscribe","payload":${body}}`)
    await until(() => line.messages.length > 0 || line.closed() !== null)
    expect(setup.errors).toEqual([])
  })
})
