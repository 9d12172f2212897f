/** Yoga plugin that measures and traces operations by kind and root field. */
import {
  type DocumentNode,
  type ExecutionArgs,
  type OperationDefinitionNode,
  OperationTypeNode,
  getOperationAST,
} from 'graphql'
import { isAsyncIterable } from 'graphql-yoga'
import type { OperationMeter, Telemetry } from '../../../uploads/ports/telemetry.ts'
import type { SpanAttributes } from '../../../uploads/ports/tracing.ts'
import { GRAPHQL_PATH } from '../endpoint.ts'
import type { GatewayPlugin } from './plugin.ts'
import { rootFieldOf } from './root-field.ts'

/** Meter and span of an operation. */
export interface NamedOperation {
  readonly kind: OperationTypeNode
  readonly meter: OperationMeter
  /** https://opentelemetry.io/docs/specs/semconv/graphql/graphql-spans/ */
  readonly span: { readonly name: string; readonly attributes: SpanAttributes }
}

type Nameable = Pick<ExecutionArgs, 'document' | 'operationName'>

/** https://spec.graphql.org/October2021/#Name, up to 64 characters. */
const REGULAR_NAME = /^[_A-Za-z]\w{0,63}$/

/** Generated names may contain the identifier of a person or an upload. */
const GENERATED_NAME = /[\da-f]{8}|\d{5}/i

/** Describes an operation of a validated document. Its name is in traces only, which need no limit. */
export function describeOperation(
  telemetry: Pick<Telemetry, 'operationMeter'>,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): NamedOperation {
  const { operation: kind, name: { value: name } = { value: '' } } = operation
  const field = rootFieldOf(document, operation)
  const attributes = {
    'graphql.operation.type': kind,
    ...(isTraceable(name) ? { 'graphql.operation.name': name } : {}),
  }
  const span = { name: `${kind} ${field}`, attributes }
  return { kind, meter: telemetry.operationMeter(kind, field), span }
}

export function isTraceable(name: string): boolean {
  return REGULAR_NAME.test(name) && !GENERATED_NAME.test(name)
}

/** Creates a function that describes an operation, cached as long as its document lives. */
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
    const named = describeOperation(telemetry, document, operation)
    known.set(operation, named)
    return named
  }
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
      if (operation === null || operation.kind === OperationTypeNode.SUBSCRIPTION) return
      const { name, attributes } = operation.span
      setExecuteFn((executionArgs) =>
        telemetry.inSpan(name, 'server', attributes, async (span) => {
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
