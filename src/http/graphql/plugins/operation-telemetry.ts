/** Measures what Yoga executes, by kind and name, and puts it inside spans. After the plugins that limit. */
import { type ExecutionArgs, type OperationDefinitionNode, getOperationAST } from 'graphql'
import { isAsyncIterable } from 'graphql-yoga'
import type { OperationKind, OperationMeter, Telemetry } from '../../../uploads/ports/telemetry.ts'
import { GRAPHQL_PATH } from '../endpoint.ts'
import type { GatewayPlugin } from './plugin.ts'

/** What an operation is called in metrics and traces. */
export interface NamedOperation {
  readonly kind: OperationKind
  readonly meter: OperationMeter
}

/** What is to be executed, as far as its name is concerned. */
type Nameable = Pick<ExecutionArgs, 'document' | 'operationName'>

/** Returns what finds the meter of an operation; it is remembered with the operation's document. */
export function createOperationNaming(
  telemetry: Pick<Telemetry, 'operation'>,
): (args: Nameable) => NamedOperation | null {
  const known = new WeakMap<OperationDefinitionNode, NamedOperation>()
  return ({ document, operationName }) => {
    const operation = getOperationAST(document, operationName)
    // Which is an error of the request, and executed by nobody.
    if (operation === null || operation === undefined) return null
    const found = known.get(operation)
    if (found !== undefined) return found
    const kind = operation.operation
    const named = { kind, meter: telemetry.operation(kind, operation.name?.value ?? null) }
    known.set(operation, named)
    return named
  }
}

/** What a span of an operation says. https://opentelemetry.io/docs/specs/semconv/graphql/graphql-spans/ */
export function spanOf({ kind, meter }: NamedOperation) {
  const facts = { 'graphql.operation.type': kind, 'graphql.operation.name': meter.name }
  return { name: `${kind} ${meter.name}`, facts }
}

/** A result counts with the limits that other plugins put around it; so this one goes last. */
export function createOperationTelemetry(telemetry: Telemetry): GatewayPlugin {
  const nameOf = createOperationNaming(telemetry)
  const refuse = (): void => telemetry.refused(GRAPHQL_PATH, 'invalid')
  return {
    onParse:
      () =>
      ({ result }) => {
        if (result instanceof Error) refuse()
      },
    onValidate:
      () =>
      ({ valid }) => {
        if (!valid) refuse()
      },
    onExecute({ args, executeFn, setExecuteFn }) {
      const operation = nameOf(args)
      // One event of a subscription is no operation of its own.
      if (operation === null || operation.kind === 'subscription') return
      const { name, facts } = spanOf(operation)
      setExecuteFn((given) =>
        telemetry.inSpan(name, 'server', facts, async (span) => {
          const startedAt = performance.now()
          let failed = true
          try {
            const result: unknown = await executeFn(given)
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
          const ended = telemetry.subscribed(transport)
          return {
            onNext({ result: event }) {
              failed ||= hasErrors(event)
            },
            onEnd() {
              ended()
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
