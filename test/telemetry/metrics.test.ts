/** Values in `/metrics` after requests over HTTP. */
import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import { scrape } from '../kit/metrics.ts'
import {
  createDirectUpload,
  createTusUpload,
  deleteUpload,
  expectMinted,
  postFile,
  watchToEnd,
} from '../kit/operations.ts'

describe('/metrics', () => {
  it('contains the status transitions and durations of an upload', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid, uploadURL } = expectMinted(await createDirectUpload(caller))
    const before = await scrape(gateway.url)
    expect(before.value('headgate_uploads', { status: 'PENDING_UPLOAD' })).toBe(1)
    expect(before.value('headgate_uploads', { status: 'READY' })).toBe(0)
    expect(before.value('headgate_reserved_seconds')).toBe(60)
    expect(before.value('headgate_reservations')).toBe(0)
    expect(before.value('headgate_stream_api_budget_remaining')).toBe(Infinity)

    const watched = watchToEnd(caller, uid)
    await postFile(uploadURL, testcardFile())
    expect((await watched).at(-1)?.status).toBe('READY')
    const after = await scrape(gateway.url)
    expect(after.value('headgate_uploads', { status: 'READY' })).toBe(1)
    expect(after.value('headgate_reserved_seconds')).toBe(0)
    expect(after.value('headgate_stored_seconds')).toBeGreaterThan(0)
    expect(after.value('headgate_mints_total', { protocol: 'BASIC', outcome: 'Minted' })).toBe(1)
    const transitions = after.all('headgate_upload_transitions_total')
    expect(transitions.filter(({ labels }) => labels['to'] === 'READY')).toHaveLength(1)
    expect(
      after.value('headgate_upload_status_duration_seconds_count', { status: 'PENDING_UPLOAD' }),
    ).toBe(1)
    expect(
      after.value('headgate_stream_request_duration_seconds_count', {
        call: 'create_direct_upload',
        outcome: 'ok',
      }),
    ).toBe(1)
    expect(after.value('headgate_sync_round_duration_seconds_count')).toBeGreaterThan(0)

    expect((await deleteUpload(caller, uid)).__typename).toBe('DeleteUploadSuccess')
    const last = await scrape(gateway.url)
    expect(
      last.value('headgate_upload_transitions_total', {
        from: 'READY',
        to: 'DELETED',
        source: 'MUTATION',
      }),
    ).toBe(1)
  })

  it('contains the number of requests in flight', async () => {
    const gateway = await startTestGateway()
    const inFlight = async (): Promise<number> =>
      (await scrape(gateway.url)).value('headgate_requests_in_flight')
    // The scrape itself does not count, because it is accepted at any load.
    expect(await inFlight()).toBe(0)
    await gateway.emulator.fault({ on: 'direct_upload', delayMs: 500, times: 2 })
    const mints = [createDirectUpload(gateway.as()), createDirectUpload(gateway.as())]
    await expect.poll(inFlight).toBe(2)
    expect((await scrape(gateway.url)).value('headgate_requests_queued')).toBe(0)
    await Promise.all(mints)
    await expect.poll(inFlight).toBe(0)
  })

  it('contains the lag and the outcome of webhooks', async () => {
    const gateway = await startTestGateway({ STREAM_API_BUDGET: '100' })
    const caller = gateway.as()
    const { uid, uploadURL } = expectMinted(await createDirectUpload(caller))
    const watched = watchToEnd(caller, uid)
    await postFile(uploadURL, testcardFile())
    await watched
    await fetch(`${gateway.url}/webhooks/stream`, { method: 'POST', body: '{}' })
    const webhooks = async (outcome: string): Promise<number> =>
      (await scrape(gateway.url)).value('headgate_webhooks_total', { outcome })
    await expect.poll(() => webhooks('applied')).toBe(1)
    const metrics = await scrape(gateway.url)
    expect(metrics.value('headgate_webhooks_total', { outcome: 'invalid_signature' })).toBe(1)
    expect(metrics.value('headgate_webhooks_total', { outcome: 'unmatched' })).toBe(0)
    // The signature time has whole seconds, so the lag may be up to one second too large.
    expect(metrics.value('headgate_webhook_lag_seconds_bucket', { le: '5' })).toBe(1)
    // Setting the webhook, creating the upload and polling it use the budget.
    expect(metrics.value('headgate_stream_api_budget_remaining')).toBeLessThan(99)
  })

  it('contains the sync lag while Stream does not respond', async () => {
    const gateway = await startTestGateway()
    expectMinted(await createDirectUpload(gateway.as()))
    expect((await scrape(gateway.url)).value('headgate_sync_lag_seconds')).toBe(0)
    await gateway.emulator.fault({ on: 'list', times: 1000, status: 503 })
    await gateway.emulator.fault({ on: 'details', times: 1000, status: 503 })
    gateway.clock.advance(7200)
    await expect
      .poll(async () => (await scrape(gateway.url)).value('headgate_sync_lag_seconds'))
      .toBeGreaterThan(3600)
    await expect
      .poll(async () => {
        const calls = (await scrape(gateway.url)).all(
          'headgate_stream_request_duration_seconds_count',
        )
        return calls.some(({ labels }) => labels['outcome'] === 'unavailable')
      })
      .toBe(true)
  })

  it('contains the responses by route, method and status code', async () => {
    const gateway = await startTestGateway()
    await fetch(`${gateway.url}/healthz`)
    await fetch(`${gateway.url}/healthz`)
    await fetch(`${gateway.url}/wp-login.php?user=ada`)
    await fetch(`${gateway.url}/healthz`, { method: 'PROPFIND' })
    await expect(createTusUpload(gateway.as(), { sizeBytes: 5 })).resolves.toBeDefined()
    const metrics = await scrape(gateway.url)
    const count = (route: string, method: string, code: string) =>
      metrics.value('headgate_http_responses_total', { route, method, code })
    expect(count('/healthz', 'GET', '200')).toBe(2)
    expect(count('none', 'GET', '404')).toBe(1)
    expect(count('/healthz', 'other', '405')).toBe(1)
    expect(count('/graphql', 'POST', '200')).toBe(1)
  })

  it('contains memory and event-loop lag of the process', async () => {
    const { url } = await startTestGateway()
    const metrics = await scrape(url)
    expect(metrics.value('process_resident_memory_bytes')).toBeGreaterThan(1_000_000)
    expect(metrics.value('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0)
  })
})
