/** Spans of a gateway, as a real SDK of OpenTelemetry collects them. */
import { SpanKind, SpanStatusCode, context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startTestGateway } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import { createDirectUpload, expectMinted, postFile, watchToEnd } from '../kit/operations.ts'
import { allTextIn } from '../secrets/search.ts'
import { setupInProcess } from '../secrets/setup.ts'
import { requestAllEndpoints } from '../secrets/visit-endpoints.ts'

const exporter = new InMemorySpanExporter()

// Before any gateway starts, as an operator does it.
beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const spanProcessors = [new SimpleSpanProcessor(exporter)]
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }))
})
afterEach(() => exporter.reset())
afterAll(() => {
  trace.disable()
  context.disable()
})

/** The one span with this name; fails the test where there is none, or are several. */
function spanNamed(name: string): ReadableSpan {
  const found = exporter.getFinishedSpans().filter((span) => span.name === name)
  const [span] = found
  if (span === undefined || found.length > 1) throw new Error(`${found.length} spans: ${name}`)
  return span
}

const MINT = `mutation Mint { createDirectUpload(input: { maxDurationSeconds: 60 }) { __typename } }`

function mint(url: string): Promise<Response> {
  return fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: MINT }),
  })
}

describe('a trace', () => {
  it('goes from the operation to the call to Stream', async () => {
    const { url } = await startTestGateway()
    exporter.reset()
    expect((await mint(url)).status).toBe(200)
    const operation = spanNamed('mutation createDirectUpload')
    expect(operation.kind).toBe(SpanKind.SERVER)
    expect(operation.attributes).toEqual({
      'graphql.operation.type': 'mutation',
      'graphql.operation.name': 'Mint',
    })
    expect(operation.status.code).toBe(SpanStatusCode.UNSET)
    const call = spanNamed('stream.create_direct_upload')
    expect(call.kind).toBe(SpanKind.CLIENT)
    expect(call.attributes).toEqual({})
    expect(call.parentSpanContext?.spanId).toBe(operation.spanContext().spanId)
    expect(call.spanContext().traceId).toBe(operation.spanContext().traceId)
  })

  it('is the same by the fast lane, which answers what was answered before', async () => {
    const { url } = await startTestGateway()
    exporter.reset()
    for (let times = 0; times < 5; times += 1) await mint(url)
    const spans = exporter.getFinishedSpans()
    const operations = spans.filter(({ name }) => name === 'mutation createDirectUpload')
    const calls = spans.filter(({ name }) => name === 'stream.create_direct_upload')
    expect(operations).toHaveLength(5)
    expect(calls.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(
      operations.map((operation) => operation.spanContext().spanId),
    )
  })

  it('tells of trouble by its kind', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'direct_upload', times: 1, status: 503 })
    exporter.reset()
    await mint(gateway.url)
    const call = spanNamed('stream.create_direct_upload')
    expect(call.status).toEqual({ code: SpanStatusCode.ERROR })
    expect(call.attributes).toEqual({
      'error.type': 'unavailable',
      'http.response.status_code': 503,
    })
    expect(call.events).toEqual([])
    // It is told to the caller as data.
    expect(spanNamed('mutation createDirectUpload').status.code).toBe(SpanStatusCode.UNSET)
  })

  it('tells of notices and of synchronisation', async () => {
    const gateway = await startTestGateway()
    const { uid, uploadURL } = expectMinted(await createDirectUpload(gateway.as()))
    const watched = watchToEnd(gateway.as(), uid)
    await postFile(uploadURL, testcardFile())
    await watched
    await expect.poll(() => spanNamed('webhook').kind).toBe(SpanKind.CONSUMER)
    const rounds = exporter.getFinishedSpans().filter(({ name }) => name === 'sync')
    expect(rounds.length).toBeGreaterThan(0)
    expect(Object.keys(rounds[0]?.attributes ?? {})).toEqual([
      'polled',
      'changed',
      'orphans_deleted',
    ])
  })

  it('gives nothing away, whatever comes to the doors', { timeout: 60_000 }, async () => {
    const setup = await setupInProcess()
    const { tokens, transcript } = setup
    const minted = [await setup.mintBasic(tokens.ada), await setup.mintTus(tokens.bob)]
    await requestAllEndpoints(setup, minted[0]?.uid ?? '')
    const spans = exporter.getFinishedSpans()
    expect(spans.length).toBeGreaterThan(10)
    const told = spans.map(({ name, attributes, events, status, links }) =>
      allTextIn({ name, attributes, events, status, links }),
    )
    transcript.record('spans', told)
    expect(transcript.leaks()).toEqual([])
    const text = told.join('\n')
    for (const { uid } of minted) expect(text).not.toContain(uid)
    expect(text).not.toMatch(/\b(?:ada|bob|root)\b|https?:/)
  })
})
