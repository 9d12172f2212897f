/** Shared subscriptions: joining, leaving, authorization and limits. */
import { describe, expect, it } from 'vitest'
import { MAX_SUBSCRIPTIONS_PER_CALLER } from '../../src/uploads/ports/watch-registry.ts'
import { tokenFor } from '../kit/gateway.ts'
import { sendOperation } from './both-paths.ts'
import { createSetup } from './setup.ts'
import { createTestUpload } from './upload-histories.ts'
import { WATCH, bodyFor, warmUp, warmUpUpload, versionsOf } from './subscriptions.ts'
import { openSocket, ticks, until, openEventStream } from './subscription-clients.ts'

const OPEN = { kind: 'disabled' } as const

function parsed(text: string): unknown {
  return JSON.parse(text)
}

describe('a shared subscription', () => {
  it('continues after its first subscribers have left, and closes with the last', async () => {
    const setup = await createSetup({ auth: OPEN })
    await warmUpUpload(setup)
    const upload = await createTestUpload(setup)
    const group = [1, 2, 3].map(() => openEventStream(setup.fast, bodyFor(upload.uid)))
    await until(() => group.every(({ results }) => results.length === 1), 'the current state')
    expect(setup.joinedSubscriptions()).toBe(3)
    group[0]?.disconnect()
    await upload.record('bytes')
    await until(() => group.slice(1).every(({ results }) => results.length === 2))
    group[1]?.disconnect()
    await upload.record('bytes')
    await until(() => group[2]?.results.length === 3)
    expect(setup.dependencies.watchRegistry.watchedUids(setup.clock.now())).toEqual(
      new Set([upload.uid]),
    )
    group[2]?.disconnect()
    await until(
      () => setup.dependencies.watchRegistry.watchedUids(setup.clock.now()).size === 0,
      'the end of the watch',
    )
    const again = openEventStream(setup.fast, bodyFor(upload.uid))
    await until(() => again.results.length === 1)
    await upload.record('queued')
    await until(() => again.results.length === 2)
    expect(setup.joinedSubscriptions()).toBe(4)
    expect(versionsOf(again)).toEqual([3, 4])
  })

  it('sends the current state to later subscribers', async () => {
    const setup = await createSetup({ auth: OPEN })
    await warmUpUpload(setup)
    const { uid } = await createTestUpload(setup)
    const first = openEventStream(setup.fast, bodyFor(uid))
    await until(() => first.results.length === 1, 'the current state')
    const later = openEventStream(setup.fast, bodyFor(uid))
    await until(() => later.results.length === 1, 'the current state')
    expect(setup.joinedSubscriptions()).toBe(2)
    expect(later.results).toEqual(first.results)
  })

  it('accepts a subscriber in the tick in which its last subscriber leaves', async () => {
    const setup = await createSetup({ auth: OPEN })
    const client = await openSocket(setup.fast)
    const upload = await createTestUpload(setup)
    const payload = { query: WATCH, variables: { uid: upload.uid } }
    for (let round = 0; round < 8; round += 1) {
      // Both messages arrive together, as from a page that shows the upload in another component.
      client.send(
        { id: String(round), type: 'subscribe', payload },
        ...(round === 0 ? [] : [{ id: String(round - 1), type: 'complete' }]),
      )
      await until(() => client.messages.some((text) => text.startsWith(`{"id":"${round}"`)))
      await ticks(20)
      client.send(
        { id: String(round), type: 'complete' },
        { id: `${round}b`, type: 'subscribe', payload },
      )
      await until(() => client.messages.some((text) => text.startsWith(`{"id":"${round}b"`)))
      await ticks(20)
      client.send(
        { id: String(round), type: 'subscribe', payload },
        { id: `${round}b`, type: 'complete' },
      )
      await ticks(20)
    }
    expect(setup.joinedSubscriptions()).toBeGreaterThan(10)
    expect(client.messages.filter((text) => text.includes('"complete"'))).toEqual([])
    await upload.record('queued')
    await until(() => client.messages.at(-1)?.includes('QUEUED') === true, 'the change')
    expect(client.closed()).toBeNull()
  })

  it('shows an upload URL only to its creator, among other subscribers', async () => {
    const setup = await createSetup()
    const ada = { authorization: `Bearer ${await tokenFor('ada')}` }
    const admin = { authorization: `Bearer ${await tokenFor('root', { scope: 'uploads:admin' })}` }
    const both = { authorization: `Bearer ${await tokenFor('ada', { scope: 'uploads:admin' })}` }
    await warmUpUpload(setup, ada)
    // The fast path accepts only tokens that the fallback has verified.
    for (const headers of [admin, both])
      await sendOperation(setup.fallback, { query: '{ __typename }', headers })
    const { uid, record } = await createTestUpload(setup, ada)
    const fast = [ada, admin, both].map((headers) =>
      openEventStream(setup.fast, bodyFor(uid), headers),
    )
    const fallback = [ada, admin, both].map((headers) =>
      openEventStream(setup.fallback, bodyFor(uid), headers),
    )
    await until(() => [...fast, ...fallback].every(({ results }) => results.length === 1))
    await record('bytes')
    await until(() => [...fast, ...fallback].every(({ results }) => results.length === 2))
    expect(setup.joinedSubscriptions()).toBe(3)
    expect(fast.map(({ results }) => results)).toEqual(fallback.map(({ results }) => results))
    expect(fast[0]?.results.join()).toContain('"uploadURL":"http')
    expect(fast[1]?.results.join()).not.toContain('"uploadURL":"http')
  })

  it('ends for subscribers whose token expires, and continues for others', async () => {
    const setup = await createSetup()
    const now = Math.floor(setup.clock.now().getTime() / 1000)
    const short = { authorization: `Bearer ${await tokenFor('ada', { exp: now + 60 })}` }
    const longer = { authorization: `Bearer ${await tokenFor('ada', { exp: now + 600 })}` }
    await warmUpUpload(setup, short)
    const { uid, record } = await createTestUpload(setup, longer)
    const expiringFast = openEventStream(setup.fast, bodyFor(uid), short)
    const expiringFallback = openEventStream(setup.fallback, bodyFor(uid), short)
    await sendOperation(setup.fallback, { query: '{ __typename }', headers: longer })
    const laterExpiring = openEventStream(setup.fast, bodyFor(uid), longer)
    await until(() =>
      [expiringFast, expiringFallback, laterExpiring].every(({ results }) => results.length === 1),
    )
    expect(setup.joinedSubscriptions()).toBe(2)
    setup.clock.advance(61)
    await until(
      () => expiringFast.ended() !== null && expiringFallback.ended() !== null,
      'the token expiry',
    )
    expect(expiringFast.ended()).toBe(expiringFallback.ended())
    await record('queued')
    await until(() => laterExpiring.results.length === 2)
    expect(expiringFast.results).toHaveLength(1)
    expect(laterExpiring.ended()).toBeNull()
  })

  it(
    'counts subscriptions of one caller on both paths toward one limit',
    { timeout: 60_000 },
    async () => {
      const setup = await createSetup({ auth: OPEN })
      const { uid } = await createTestUpload(setup)
      const payload = { query: WATCH, variables: { uid } }
      const [fast, fallback] = [await openSocket(setup.fast), await openSocket(setup.fallback)]
      for (let count = 0; count < MAX_SUBSCRIPTIONS_PER_CALLER / 2; count += 1) {
        for (const client of [fast, fallback])
          client.send({ id: `${count}`, type: 'subscribe', payload })
      }
      await until(
        () => fast.messages.length >= 500 && fallback.messages.length >= 500,
        '1,000 results',
      )
      expect(
        [...fast.messages, ...fallback.messages].filter((text) => text.includes('errors')),
      ).toEqual([])
      expect(setup.joinedSubscriptions()).toBeGreaterThan(200)
      const rejections: unknown[] = []
      for (const client of [fast, fallback]) {
        const before = client.messages.length
        client.send({ id: 'more', type: 'subscribe', payload })
        await until(() => client.messages.length > before)
        rejections.push(client.messages.slice(before).map(parsed))
      }
      expect(rejections[0]).toEqual(rejections[1])
      expect(JSON.stringify(rejections[0])).toContain('RATE_LIMITED')
      // A subscription that ends lets another one open.
      fast.send({ id: '499', type: 'complete' })
      await ticks(20)
      const before = fallback.messages.length
      fallback.send({ id: '499b', type: 'subscribe', payload })
      await until(() => fallback.messages.length > before)
      expect(fallback.messages.at(-1)).not.toContain('RATE_LIMITED')
    },
  )

  it('opens or is rejected for deeply nested variables, without an unexpected error', async () => {
    const setup = await createSetup({ auth: OPEN })
    const { uid } = await createTestUpload(setup)
    await warmUp(setup, bodyFor(uid))
    const deep = `${'['.repeat(25_000)}${']'.repeat(25_000)}`
    const body = `{"query":${JSON.stringify(WATCH)},"variables":{"uid":"${uid}","more":${deep}}}`
    const fast = openEventStream(setup.fast, body)
    const fallback = openEventStream(setup.fallback, body)
    expect(await fast.opened).toEqual(await fallback.opened)
    await until(() => fast.results.length === 1 && fallback.results.length === 1)
    expect(fast.results).toEqual(fallback.results)
    const client = await openSocket(setup.fast)
    client.socket.send(`{"id":"1","type":"subscribe","payload":${body}}`)
    await until(() => client.messages.length > 0 || client.closed() !== null)
    expect(setup.errors).toEqual([])
  })
})
