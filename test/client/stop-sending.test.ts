/** A transfer ends when its upload is deleted or expires, whichever caller or timer ended it. */
import { describe, expect, it, vi } from 'vitest'
import {
  type UploadClientOptions,
  type UploadOptions,
  type UploadProgress,
  type UploadProtocol,
} from '../../src/client/client.ts'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { paddedTestcard } from '../kit/media.ts'
import { clientOf, phasesOf, withAdvancingClock } from './kit.ts'

const file = paddedTestcard(12_000_000)
const WAIT = { timeout: 10_000, interval: 20 }
const protocols: UploadProtocol[] = ['TUS', 'BASIC']

/** Starts an upload whose first request with bytes gets no response for an hour, and waits for that request. */
async function startSlowUpload(
  gateway: TestGateway,
  options: UploadOptions,
  clientOptions: Partial<UploadClientOptions> = {},
) {
  await gateway.emulator.fault({ on: 'upload', delayMs: 3_600_000 })
  const client = clientOf(gateway, clientOptions)
  const reported: UploadProgress[] = []
  const settled = client
    .upload(file, { ...options, onProgress: (progress) => reported.push(progress) })
    .catch((error: unknown) => error)
  const uid = await vi.waitFor(async () => {
    const { faults, videos } = await gateway.emulator.state()
    expect(faults).toEqual([])
    return videos[0]?.uid ?? ''
  }, WAIT)
  return { client, uid, reported, settled }
}

describe.each(protocols)('a %s upload in the middle of a request', (protocol) => {
  it('rejects with DELETED when another client deletes it', async () => {
    const gateway = await startTestGateway()
    const { client, uid, reported, settled } = await startSlowUpload(gateway, { protocol })
    await clientOf(gateway).delete(uid)
    expect(await settled).toMatchObject({ name: 'UploadError', code: 'DELETED', uid })
    expect(phasesOf(reported)).toEqual(['minting', 'uploading'])
    expect(reported.at(-1)?.fraction).toBeLessThan(0.8)
    expect(await client.resumable()).toEqual([])
    const { videos, requests } = await gateway.emulator.state()
    expect(videos).toEqual([])
    expect((requests['tus_patch'] ?? 0) + (requests['upload'] ?? 0)).toBe(1)
  })

  it('is created once more when it expires', async () => {
    const gateway = await startTestGateway()
    const { uid, reported, settled } = await startSlowUpload(gateway, { protocol })
    await advanceHours(gateway, 7)
    const ready = await settled
    expect(ready).toMatchObject({ status: 'READY', video: { sizeBytes: file.size } })
    expect(ready).not.toMatchObject({ uid })
    expect(phasesOf(reported).slice(0, 4)).toEqual(['minting', 'uploading', 'minting', 'uploading'])
    expectRising(reported)
    const { requests } = await gateway.emulator.state()
    expect((requests['tus_create'] ?? 0) + (requests['direct_upload'] ?? 0)).toBe(2)
  })

  it('rejects with EXPIRED when the expiry of the caller passes', async () => {
    const gateway = await startTestGateway()
    const expiry = new Date(gateway.clock.now().getTime() + 3_600_000)
    const { client, uid, settled } = await startSlowUpload(gateway, { protocol, expiry })
    await advanceHours(gateway, 2)
    expect(await settled).toMatchObject({ code: 'EXPIRED', uid })
    expect(await client.resumable()).toEqual([])
  })

  it('is paused at once by its signal, and its subscription ends', async () => {
    const gateway = await startTestGateway()
    const pausing = new AbortController()
    const subscriptions = countSubscriptions()
    const options = { protocol, signal: pausing.signal }
    const { client, uid, settled } = await startSlowUpload(gateway, options, subscriptions)
    pausing.abort(new Error('paused'))
    expect(await settled).toBe(pausing.signal.reason)
    expect(await client.resumable()).toMatchObject([{ uid, isSent: false }])
    expect(subscriptions.signals.map(({ aborted }) => aborted)).toEqual([true])
  })
})

describe('the subscription of an upload', () => {
  it.each(protocols)('is opened once per %s upload', async (protocol) => {
    const gateway = await startTestGateway()
    const subscriptions = countSubscriptions()
    const reported: UploadProgress[] = []
    const upload = clientOf(gateway, subscriptions).upload(file, {
      protocol,
      onProgress: (progress) => reported.push(progress),
    })
    expect(await upload).toMatchObject({ status: 'READY' })
    expect(subscriptions.signals).toHaveLength(1)
    expect(phasesOf(reported)).toEqual(['minting', 'uploading', 'processing', 'ready'])
    expectRising(reported)
  })

  it.each<[string, () => Response]>([
    [
      'breaks',
      () => {
        throw new TypeError('no connection')
      },
    ],
    ['is rejected', () => Response.json({ errors: [{ message: 'no' }] }, { status: 403 })],
    ['ends at once', () => new Response('', { headers: { 'content-type': 'text/event-stream' } })],
  ])('does not stop the transfer if it %s', async (_name, respond) => {
    const gateway = await startTestGateway()
    let isSent = false
    const subscriptions = countSubscriptions(() => (isSent ? null : respond()))
    const client = clientOf(gateway, { ...subscriptions, retries: 0 })
    const upload = client.upload(file, {
      protocol: 'TUS',
      maxDurationSeconds: 60,
      onProgress: ({ phase }) => {
        isSent = phase === 'processing'
      },
    })
    expect(await withAdvancingClock(gateway.clock, upload)).toMatchObject({ status: 'READY' })
  })
})

/** A fetch that records the signals of subscriptions, and may respond to them itself. */
function countSubscriptions(respond: () => Response | null = () => null) {
  const signals: AbortSignal[] = []
  const fetchAndCount: typeof globalThis.fetch = async (input, init) => {
    const isSubscription = new Headers(init?.headers).get('accept') === 'text/event-stream'
    if (isSubscription && init?.signal instanceof AbortSignal) signals.push(init.signal)
    return (isSubscription ? respond() : null) ?? fetch(input, init)
  }
  return { signals, fetch: fetchAndCount }
}

function expectRising(reported: readonly UploadProgress[]): void {
  const fractions = reported.map(({ fraction }) => fraction)
  expect(fractions).toEqual(fractions.toSorted((a, b) => a - b))
}

async function advanceHours(gateway: TestGateway, hours: number): Promise<void> {
  gateway.clock.advance(hours * 3600)
  await gateway.emulator.advanceClock(hours * 3600)
}
