/** Yoga plugin that measures and traces operations by kind and name. */
import { type ExecutionArgs, type OperationDefinitionNode, getOperationAST } from 'graphql'
import { isAsyncIterable } from 'graphql-yoga'
import type { OperationKind, OperationMeter, Telemetry } from '../../../uploads/ports/telemetry.ts'
import { GRAPHQL_PATH } from '../endpoint.ts'
import type { GatewayPlugin } from './plugin.ts'

/** Kind and meter of an operation, for metrics and traces. */
export interface NamedOperation {
  readonly kind: OperationKind
  readonly meter: OperationMeter
}

type Nameable = Pick<ExecutionArgs, 'document' | 'operationName'>

/** Creates a function that returns an operation's kind and meter, cached as long as its document lives. */
export function createOperationNaming(
  telemetry: Pick<Telemetry, 'operationMeter'>,
): (args: Nameable) => NamedOperation | null {
  const known = new WeakMap<OperationDefinitionNode, NamedOperation>()
  return ({ document, operationName }) => {
    const operation = getOperationAST(document, operationName)
    // The executor reports this as a request error.
    if (operation === null || operation === undefined) return null
    const found = known.get(operation)
    if (found !== undefined) return found
    const kind = operation.operation
    const named = { kind, meter: telemetry.operationMeter(kind, operation.name?.value ?? null) }
    known.set(operation, named)
    return named
  }
}

/** Returns name and attributes of an operation's span. https://opentelemetry.io/docs/specs/semconv/graphql/graphql-spans/ */
export function spanOf({ kind, meter }: NamedOperation) {
  const facts = { 'graphql.operation.type': kind, 'graphql.operation.name': meter.name }
  return { name: `${kind} ${meter.name}`, facts }
}

/** Must come after the plugins that limit execution, to measure their errors as well. */
export function createOperationTelemetry(telemetry: Telemetry): GatewayPlugin {
  const nameOf = createOperationNaming(telemetry)
  const recordInvalid = (): void => telemetry.requestRejected(GRAPHQL_PATH, 'invalid')
  return {
    onParse:
      () =>
      ({ result }) => {
        if (result instanceof Error) recordInvalid()
      },
    onValidate:
      () =>
      ({ valid }) => {
        if (!valid) recordInvalid()
      },
    onExecute({ args, executeFn, setExecuteFn }) {
      const operation = nameOf(args)
      // Events of a subscription are not measured as operations.
      if (operation === null || operation.kind === 'subscription') return
      const { name, facts } = spanOf(operation)
      setExecuteFn((executionArgs) =>
        telemetry.inSpan(name, 'server', facts, async (span) => {
          const startedAt = performance.now()
          let failed = true
          try {
            const result: unknown = await executeFn(executionArgs)
            failed = hasErrors(result)
            if (failed) span.fail('errors')
            return result
          } finally {
            operation.meter.done(secondsSince(startedAt), failed ? 'errors' : 'ok')
          }
        }),
      )
    },
    onSubscribe({ args }) {
      const operation = nameOf(args)
      if (operation === null) return
      const startedAt = performance.now()
      const transport = 'request' in args.contextValue ? 'sse' : 'websocket'
      let failed = false
      return {
        onSubscribeResult({ result }) {
          if (!isAsyncIterable(result)) {
            operation.meter.done(secondsSince(startedAt), hasErrors(result) ? 'errors' : 'ok')
            return
          }
          const recordEnd = telemetry.subscriptionOpened(transport)
          return {
            onNext({ result: event }) {
              failed ||= hasErrors(event)
            },
            onEnd() {
              recordEnd()
              operation.meter.done(secondsSince(startedAt), failed ? 'errors' : 'ok')
            },
          }
        },
      }
    },
  }
}

function hasErrors(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'errors' in result && !!result.errors
}

function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1000
}
