/** Masks errors inside Yoga, where it is still known which request they belong to. */
import type { ExecutionResult } from 'graphql'
import { handleStreamOrSingleExecutionResult } from 'graphql-yoga'
import type { Log } from '../uploads/dependencies.ts'
import { maskError } from './graphql/plugins/error-masking.ts'
import type { GatewayPlugin } from './graphql/plugins/plugin.ts'

/** What a caller sees of an error that was not meant for anybody. */
const MESSAGE = 'Unexpected error.'

/** The same result with nothing in its errors that was not meant for the caller. */
export function maskResult(log: Log, result: ExecutionResult, requestId?: string): ExecutionResult {
  if (result.errors === undefined) return result
  const errors = result.errors.map((error) => maskError(log, error, MESSAGE, requestId))
  return { ...result, errors }
}

interface Payload {
  readonly result: ExecutionResult
  readonly setResult: (result: ExecutionResult) => void
}

/** Yoga masks what is left, which belongs to no operation. */
export function createErrorMask(log: Log): GatewayPlugin {
  function masked(requestId: string | undefined) {
    return ({ result, setResult }: Payload): void => {
      setResult(maskResult(log, result, requestId))
    }
  }
  return {
    onExecute: ({ args }) => ({
      onExecuteDone: (payload) =>
        handleStreamOrSingleExecutionResult(payload, masked(args.contextValue.requestId)),
    }),
    onSubscribe: ({ args }) => ({
      onSubscribeResult: (payload) =>
        handleStreamOrSingleExecutionResult(payload, masked(args.contextValue.requestId)),
    }),
  }
}
