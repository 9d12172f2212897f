/** Many who watch the same: who sees what, who goes when, and what is left of it in the end. */
import { describe, expect, it } from 'vitest'
import { MOST_SUBSCRIPTIONS } from '../../src/uploads/watch/watch-registry.ts'
import { tokenFor } from '../kit/gateway.ts'
import { ask } from './both-paths.ts'
import { setStage } from './setup.ts'
import { beginStory } from './upload-histories.ts'
import { WATCH, bodyFor, teach, teachUpload, versionsOf } from './subscriptions.ts'
import { openLine, turns, until, watchByEvents } from './subscription-clients.ts'

const OPEN = { kind: 'open' } as const

function parsed(text: string): unknown {
  return JSON.parse(text)
}

describe('an audience', () => {
  it('goes on when those who came first leave, and is forgotten with the last', async () => {
    const stage = await setStage({ auth: OPEN })
    await teachUpload(stage)
    const story = await beginStory(stage)
    const crowd = [1, 2, 3].map(() => watchByEvents(stage.fast, bodyFor(story.uid)))
    await until(() => crowd.every(({ results }) => results.length === 1), 'the present state')
    expect(stage.seated()).toBe(3)
    crowd[0]?.leave()
    await story.tell('bytes')
    await until(() => crowd.slice(1).every(({ results }) => results.length === 2))
    crowd[1]?.leave()
    await story.tell('bytes')
    await until(() => crowd[2]?.results.length === 3)
    expect(stage.parts.watchers.watched(stage.clock.now())).toEqual(new Set([story.uid]))
    crowd[2]?.leave()
    // Stream is asked about it no sooner than about any other.
    await until(() => stage.parts.watchers.watched(stage.clock.now()).size === 0, 'being forgotten')
    const again = watchByEvents(stage.fast, bodyFor(story.uid))
    await until(() => again.results.length === 1)
    await story.tell('queued')
    await until(() => again.results.length === 2)
    expect(stage.seated()).toBe(4)
    expect(versionsOf(again)).toEqual([3, 4])
  })

  it('is joined at the very moment when its last one leaves', async () => {
    const stage = await setStage({ auth: OPEN })
    const line = await openLine(stage.fast)
    const story = await beginStory(stage)
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
    expect(stage.seated()).toBeGreaterThan(10)
    expect(line.messages.filter((text) => text.includes('"complete"'))).toEqual([])
    await story.tell('queued')
    await until(() => line.messages.at(-1)?.includes('QUEUED') === true, 'the change')
    expect(line.closed()).toBeNull()
  })

  it('shows an upload URL to its creator alone, whoever watches beside', async () => {
    const stage = await setStage()
    const ada = { authorization: `Bearer ${await tokenFor('ada')}` }
    const admin = { authorization: `Bearer ${await tokenFor('root', { scope: 'uploads:admin' })}` }
    const both = { authorization: `Bearer ${await tokenFor('ada', { scope: 'uploads:admin' })}` }
    await teachUpload(stage, ada)
    // The lane remembers who has sent a token before.
    for (const headers of [admin, both]) await ask(stage.long, { query: '{ __typename }', headers })
    const { uid, tell } = await beginStory(stage, ada)
    const fast = [ada, admin, both].map((headers) =>
      watchByEvents(stage.fast, bodyFor(uid), headers),
    )
    const long = [ada, admin, both].map((headers) =>
      watchByEvents(stage.long, bodyFor(uid), headers),
    )
    await until(() => [...fast, ...long].every(({ results }) => results.length === 1))
    await tell('bytes')
    await until(() => [...fast, ...long].every(({ results }) => results.length === 2))
    expect(stage.seated()).toBe(3)
    expect(fast.map(({ results }) => results)).toEqual(long.map(({ results }) => results))
    expect(fast[0]?.results.join()).toContain('"uploadURL":"http')
    expect(fast[1]?.results.join()).not.toContain('"uploadURL":"http')
  })

  it('loses those whose token lapses, and nobody else', async () => {
    const stage = await setStage()
    const now = Math.floor(stage.clock.now().getTime() / 1000)
    const short = { authorization: `Bearer ${await tokenFor('ada', { exp: now + 60 })}` }
    const longer = { authorization: `Bearer ${await tokenFor('ada', { exp: now + 600 })}` }
    await teachUpload(stage, short)
    const { uid, tell } = await beginStory(stage, longer)
    const brief = watchByEvents(stage.fast, bodyFor(uid), short)
    const briefLong = watchByEvents(stage.long, bodyFor(uid), short)
    await ask(stage.long, { query: '{ __typename }', headers: longer })
    const lasting = watchByEvents(stage.fast, bodyFor(uid), longer)
    await until(() => [brief, briefLong, lasting].every(({ results }) => results.length === 1))
    expect(stage.seated()).toBe(2)
    stage.clock.advance(61)
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
      const stage = await setStage({ auth: OPEN })
      const { uid } = await beginStory(stage)
      const payload = { query: WATCH, variables: { uid } }
      const [fast, long] = [await openLine(stage.fast), await openLine(stage.long)]
      for (let count = 0; count < MOST_SUBSCRIPTIONS / 2; count += 1) {
        for (const line of [fast, long]) line.send({ id: `${count}`, type: 'subscribe', payload })
      }
      await until(() => fast.messages.length >= 500 && long.messages.length >= 500, 'a thousand')
      expect(
        [...fast.messages, ...long.messages].filter((text) => text.includes('errors')),
      ).toEqual([])
      expect(stage.seated()).toBeGreaterThan(200)
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
    const stage = await setStage({ auth: OPEN })
    const { uid } = await beginStory(stage)
    await teach(stage, bodyFor(uid))
    const deep = `${'['.repeat(25_000)}${']'.repeat(25_000)}`
    const body = `{"query":${JSON.stringify(WATCH)},"variables":{"uid":"${uid}","more":${deep}}}`
    const fast = watchByEvents(stage.fast, body)
    const long = watchByEvents(stage.long, body)
    expect(await fast.opened).toEqual(await long.opened)
    await until(() => fast.results.length === 1 && long.results.length === 1)
    expect(fast.results).toEqual(long.results)
    const line = await openLine(stage.fast)
    line.socket.send(`{"id":"1","type":"subscribe","payload":${body}}`)
    await until(() => line.messages.length > 0 || line.closed() !== null)
    expect(stage.errors).toEqual([])
  })
})
