/** Without a registered OpenTelemetry SDK, no spans are started. */
import { trace } from '@opentelemetry/api'
import { expect, it, vi } from 'vitest'
import { createOpenTelemetryTracing } from '../../src/telemetry/opentelemetry.ts'
import { noopTracing } from '../../src/uploads/ports/tracing.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'
import { startTestGateway } from '../kit/gateway.ts'

it('uses no-op tracing if no SDK is registered', () => {
  expect(createOpenTelemetryTracing()).toBe(noopTracing)
})

it('runs the work and rethrows its error', async () => {
  const work = noopTracing.inSpan('work', 'internal', { count: 1 }, async (span) => {
    span.setAttributes({ more: 2 })
    span.fail('kind')
    return 'done'
  })
  expect(await work).toBe('done')
  const failing = noopTracing.inSpan('work', 'internal', {}, () => Promise.reject(new Error('no')))
  await expect(failing).rejects.toThrow('no')
})

it('calls getTracer only once, when the gateway starts', async () => {
  const getTracer = vi.spyOn(trace, 'getTracer')
  const gateway = await startTestGateway()
  expect(getTracer).toHaveBeenCalledTimes(1)
  expectMinted(await createDirectUpload(gateway.as()))
  expect(getTracer).toHaveBeenCalledTimes(1)
  getTracer.mockRestore()
})
