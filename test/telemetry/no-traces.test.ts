/** Without an SDK nobody collects spans, and none is begun. */
import { trace } from '@opentelemetry/api'
import { expect, it, vi } from 'vitest'
import { createOpenTelemetryTracing } from '../../src/telemetry/opentelemetry.ts'
import { noopTracing } from '../../src/uploads/ports/tracing.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'
import { startTestGateway } from '../kit/gateway.ts'

it('are no traces where no SDK is registered', () => {
  expect(createOpenTelemetryTracing()).toBe(noopTracing)
})

it('does the work all the same, and throws what it throws', async () => {
  const work = noopTracing.inSpan('work', 'internal', { count: 1 }, async (span) => {
    span.setAttributes({ more: 2 })
    span.fail('kind')
    return 'done'
  })
  expect(await work).toBe('done')
  const failing = noopTracing.inSpan('work', 'internal', {}, () => Promise.reject(new Error('no')))
  await expect(failing).rejects.toThrow('no')
})

it('asks the API once, when the gateway starts, and never again', async () => {
  const getTracer = vi.spyOn(trace, 'getTracer')
  const gateway = await startTestGateway()
  expect(getTracer).toHaveBeenCalledTimes(1)
  expectMinted(await createDirectUpload(gateway.as()))
  expect(getTracer).toHaveBeenCalledTimes(1)
  getTracer.mockRestore()
})
