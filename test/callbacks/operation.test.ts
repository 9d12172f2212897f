/** What operators see of callbacks, and gateways that share their delivery. */
import { describe, expect, test, vi } from 'vitest'
import { callbackVariables, startCallbackTarget, status } from '../kit/callback-target.ts'
import { startTestGateway, tokenFor } from '../kit/gateway.ts'
import { scrape } from '../kit/metrics.ts'
import { createDirectUpload, deleteUpload, expectMinted } from '../kit/operations.ts'
import { describeWithPostgres } from '../kit/postgres.ts'
import { startTwoGateways } from '../multi-instance/setup.ts'

describe('metrics', () => {
  test('count what waits, and dead letters, and measure attempts, by target', async () => {
    const [accepting, failing, gone] = [
      await startCallbackTarget('/accepting'),
      await startCallbackTarget('/failing'),
      await startCallbackTarget('/gone'),
    ]
    failing.respond(status(500))
    gone.respond(status(410))
    // Two targets of one origin are told apart by their position.
    const twin = accepting.url.replace('/accepting', '/twin')
    const gateway = await startTestGateway(callbackVariables(accepting, failing, gone, twin))
    const { uid } = expectMinted(await createDirectUpload(gateway.as()))
    await deleteUpload(gateway.as(), uid)
    const origin = new URL(accepting.url).origin
    const names = {
      accepting: `${origin} (entry 1)`,
      failing: new URL(failing.url).origin,
      gone: new URL(gone.url).origin,
      twin: `${origin} (entry 4)`,
    }
    const metrics = await vi.waitFor(async () => {
      const scraped = await scrape(gateway.url)
      const dead = scraped.value('headgate_callbacks_dead', { target: names.gone })
      const waiting = scraped.value('headgate_callbacks_waiting', { target: names.accepting })
      const twins = scraped.value('headgate_callbacks_waiting', { target: names.twin })
      expect([dead, waiting, twins]).toEqual([2, 0, 0])
      return scraped
    }, 5000)
    expect(metrics.value('headgate_callbacks_waiting', { target: names.failing })).toBe(2)
    expect(metrics.value('headgate_callbacks_dead', { target: names.failing })).toBe(0)
    expect(
      metrics.value('headgate_callbacks_oldest_seconds', { target: names.failing }),
    ).toBeGreaterThan(0)
    expect(metrics.value('headgate_callbacks_oldest_seconds', { target: names.gone })).toBe(0)
    const attempts = metrics
      .all('headgate_callback_attempt_duration_seconds_count')
      .map(({ labels }) => [labels['target'], labels['outcome']])
    expect(attempts).toHaveLength(4)
    expect(attempts).toEqual(
      expect.arrayContaining([
        [names.accepting, 'delivered'],
        [names.twin, 'delivered'],
        [names.failing, 'rejected'],
        [names.gone, 'dead'],
      ]),
    )
    expect(metrics.text).not.toMatch(/accepting|twin/)
  })

  test('have no target without callbacks', async () => {
    const gateway = await startTestGateway()
    await createDirectUpload(gateway.as())
    const metrics = await scrape(gateway.url)
    expect(metrics.all('headgate_callbacks_waiting')).toEqual([])
  })
})

describeWithPostgres('two gateways on PostgreSQL', () => {
  test('deliver each callback once, in order', async () => {
    const target = await startCallbackTarget()
    const { gateways } = await startTwoGateways(callbackVariables(target))
    const token = await tokenFor('ada')
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const [first, second] = index % 2 === 0 ? gateways : gateways.toReversed()
        if (first === undefined || second === undefined) throw new Error('There are two gateways.')
        const { uid } = expectMinted(await createDirectUpload(first.as(token)))
        await deleteUpload(second.as(token), uid)
      }),
    )
    const received = await target.waitFor(40)
    expect(new Set(received.map(({ id }) => id)).size).toBe(40)
    for (const [index, { payload }] of received.entries()) {
      const earlier = received.slice(0, index).map((callback) => callback.payload)
      const previous = earlier.filter(({ data }) => data.uid === payload.data.uid)
      expect(previous.map(({ type }) => type)).toEqual(
        payload.type === 'upload.created' ? [] : ['upload.created'],
      )
    }
    await Promise.all(gateways.map((gateway) => gateway.stop()))
    expect(target.received).toHaveLength(40)
  })

  test('take over from each other what one claimed and did not deliver', async () => {
    const target = await startCallbackTarget()
    target.respond(() => undefined)
    const { gateways } = await startTwoGateways(callbackVariables(target))
    await createDirectUpload(gateways[0].as(await tokenFor('ada')))
    const first = await target.nth(1)
    target.respond(status(204))
    // The claim has ended by the clock of the other gateway; to it, the first one has died.
    gateways[1].clock.advance(16)
    expect((await target.nth(2)).id).toBe(first.id)
    await vi.waitFor(() => {
      expect(gateways[1].logs.map(({ message }) => message)).toContain('callback delivered')
    })
    // The late result of the first one changes nothing.
    gateways[0].clock.advance(10)
    await gateways[0].stop()
    gateways[1].clock.advance(60)
    await gateways[1].stop()
    expect(target.received).toHaveLength(2)
  })
})
