/** Callbacks from a real gateway to real targets: order, retries by the clock, and targets that fail in every way. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { DeliveryState } from '../../src/uploads/ports/callback-store.ts'
import {
  type CallbackTarget,
  type ReceivedCallback,
  callbackVariables,
  startCallbackTarget,
  status,
} from '../kit/callback-target.ts'
import { type TestGateway, restartTestGateway, startTestGateway } from '../kit/gateway.ts'
import { createDirectUpload, deleteUpload, expectMinted } from '../kit/operations.ts'
import { expectUpdated, updateUpload } from '../kit/update-upload.ts'
import { logged, untilLogged } from './callback-log.ts'

async function start(
  ...targets: readonly CallbackTarget[]
): Promise<{ readonly gateway: TestGateway; readonly mint: () => Promise<string> }> {
  const gateway = await startTestGateway(callbackVariables(...targets))
  const mint = async (): Promise<string> => expectMinted(await createDirectUpload(gateway.as())).uid
  return { gateway, mint }
}

const typesOf = (received: readonly ReceivedCallback[]): string[] =>
  received.map(({ payload }) => payload.type)

describe('order', () => {
  test('the callbacks of an upload come one after the other, whatever fails', async () => {
    const target = await startCallbackTarget()
    target.respond(status(500))
    const { gateway, mint } = await start(target)
    const uid = await mint()
    await target.waitFor(1)
    expectUpdated(await updateUpload(gateway.as(), { uid, name: 'Holidays' }))
    await deleteUpload(gateway.as(), uid)
    const other = await mint()
    // Another upload is not held up.
    await target.waitFor(2)
    expect(target.received.map(({ payload }) => payload.data.uid)).toEqual([uid, other])
    await untilLogged(gateway, 'warn', 2)
    target.respond(status(200))
    gateway.clock.advance(6)
    const received = await target.waitFor(6)
    const own = received.filter(({ payload }) => payload.data.uid === uid)
    expect(typesOf(own)).toEqual([
      'upload.created',
      'upload.created',
      'upload.updated',
      'upload.deleted',
    ])
    expect(own.map(({ payload }) => payload.data.version)).toEqual([1, 1, 2, 3])
    expect(new Set(own.map(({ id }) => id)).size).toBe(3)
    expect(own[0]?.body).toBe(own[1]?.body)
  })
})

describe('a failed callback', () => {
  test('is sent again by the schedule, with the same id, and is a dead letter in the end', async () => {
    const target = await startCallbackTarget()
    target.respond(status(500))
    const { gateway, mint } = await start(target)
    await mint()
    await target.waitFor(1)
    const schedule = [5, 30, 120, 600, 3600, 10_800, 21_600, 43_200, 86_400]
    for (const [index, seconds] of schedule.entries()) {
      await untilLogged(gateway, 'warn', index + 1)
      gateway.clock.advance(seconds - 1)
      expect(target.received.length).toBe(index + 1)
      gateway.clock.advance(seconds * 0.1 + 1)
      await target.waitFor(index + 2)
    }
    await untilLogged(gateway, 'error', 1)
    expect(new Set(target.received.map(({ id }) => id)).size).toBe(1)
    const timestamps = target.received.map(({ headers }) => Number(headers['webhook-timestamp']))
    expect(timestamps).toEqual(timestamps.toSorted((a, b) => a - b))
    expect(logged(gateway, 'error')).toEqual([
      expect.objectContaining({
        callbackId: target.received[0]?.id,
        target: new URL(target.url).origin,
        type: 'upload.created',
        attempt: 10,
        status: 500,
        reason: 'The target responded with status 500.',
      }),
    ])
    await gateway.stop()
    expect(await stored(gateway, 'dead')).toEqual([
      expect.objectContaining({ attempts: 10, dueAt: null, lastStatus: 500 }),
    ])
    expect(await stored(gateway, 'delivered')).toEqual([])
  })

  test.each([429, 503])('with status %i waits as long as Retry-After says', async (code) => {
    const target = await startCallbackTarget()
    target.respond(status(code, { 'retry-after': '45' }))
    const { gateway, mint } = await start(target)
    await mint()
    await target.waitFor(1)
    await untilLogged(gateway, 'warn', 1)
    target.respond(status(204))
    gateway.clock.advance(40)
    expect(target.received.length).toBe(1)
    gateway.clock.advance(6)
    await target.waitFor(2)
  })

  test('with status 410 is a dead letter at once, and the next one is sent', async () => {
    const target = await startCallbackTarget()
    target.respond((response, { payload }) => {
      response.writeHead(payload.type === 'upload.created' ? 410 : 204).end()
    })
    const { gateway, mint } = await start(target)
    const uid = await mint()
    await deleteUpload(gateway.as(), uid)
    expect(typesOf(await target.waitFor(2))).toEqual(['upload.created', 'upload.deleted'])
    expect(logged(gateway, 'error')).toHaveLength(1)
  })

  test('without a connection is sent again', async () => {
    const target = await startCallbackTarget()
    await target.close()
    const { gateway, mint } = await start(target)
    await mint()
    await untilLogged(gateway, 'warn', 1)
    expect(logged(gateway, 'warn')).toEqual([
      expect.objectContaining({
        status: null,
        reason: expect.stringMatching(/^The connection failed \(.*ECONNREFUSED.*\)\.$/),
      }),
    ])
  })
})

describe('a target', () => {
  test('that hangs holds up neither another target nor a mutation, and is sent the callback again', async () => {
    const [hanging, healthy] = [await startCallbackTarget(), await startCallbackTarget()]
    hanging.respond(() => undefined)
    const { gateway, mint } = await start(hanging, healthy)
    const uid = await mint()
    await deleteUpload(gateway.as(), uid)
    expect(typesOf(await healthy.waitFor(2))).toEqual(['upload.created', 'upload.deleted'])
    expect(typesOf(hanging.received)).toEqual(['upload.created'])
    expect(hanging.received[0]?.id).toBe(healthy.received[0]?.id)
    await untilLogged(gateway, 'debug', 2)
    gateway.clock.advance(10)
    await untilLogged(gateway, 'warn', 1)
    expect(logged(gateway, 'warn')).toEqual([
      expect.objectContaining({ reason: 'The target did not respond within 10 s.' }),
    ])
    hanging.respond(status(204))
    gateway.clock.advance(6)
    expect(typesOf(await hanging.waitFor(3))).toEqual([
      'upload.created',
      'upload.created',
      'upload.deleted',
    ])
  })

  test('that redirects is not followed', async () => {
    const [elsewhere, target] = [await startCallbackTarget(), await startCallbackTarget()]
    target.respond(status(307, { location: elsewhere.url }))
    const { gateway, mint } = await start(target)
    await mint()
    await untilLogged(gateway, 'warn', 1)
    expect(logged(gateway, 'warn')).toEqual([
      expect.objectContaining({ status: 307, reason: expect.stringMatching(/not followed/) }),
    ])
    expect(elsewhere.received).toEqual([])
  })

  test('that answers without end is cut off after 64 KiB, and its status counts', async () => {
    const target = await startCallbackTarget()
    let closed: Promise<unknown> = Promise.resolve()
    target.respond((response) => {
      closed = once(response, 'close')
      response.writeHead(200)
      const write = (): void => {
        while (!response.destroyed && response.write('x'.repeat(16_384)));
      }
      response.on('drain', write)
      write()
    })
    const { gateway, mint } = await start(target)
    await mint()
    await target.waitFor(1)
    await closed
    await untilLogged(gateway, 'debug', 1)
    expect(logged(gateway, 'debug')).toEqual([expect.objectContaining({ status: 200 })])
  })
})

describe('a gateway', () => {
  test('that is stopped awaits the response, and does not send the callback again after its restart', async () => {
    const target = await startCallbackTarget()
    const responses: ServerResponse[] = []
    target.respond((response) => {
      responses.push(response)
    })
    const { gateway, mint } = await start(target)
    const uid = await mint()
    await target.waitFor(1)
    const stopped = gateway.stop()
    responses[0]?.writeHead(204).end()
    await stopped
    target.respond(status(204))
    const again = await restartTestGateway(gateway, callbackVariables(target))
    await deleteUpload(again.as(), uid)
    expect(typesOf(await target.waitFor(2))).toEqual(['upload.created', 'upload.deleted'])
  })

  test('that starts again sends what waited, with the same ids', async () => {
    const target = await startCallbackTarget()
    target.respond(status(500))
    const { gateway, mint } = await start(target)
    await mint()
    await target.waitFor(1)
    await gateway.stop()
    target.respond(status(204))
    const again = await restartTestGateway(gateway, callbackVariables(target))
    again.clock.advance(6)
    const [first, second] = await target.waitFor(2)
    expect(second?.id).toBe(first?.id)
    expect(second?.body).toBe(first?.body)
  })
})

/** Deliveries in the database of a gateway that was stopped. */
async function stored({ databaseFile }: TestGateway, state: DeliveryState) {
  const store = createSqliteStore(databaseFile)
  try {
    return await store.callbacks.listDeliveries(state, 100)
  } finally {
    await store.close()
  }
}
