/** Masks errors inside Yoga, where it is still known which request they belong to. */
import type { ExecutionResult } from 'graphql'
import { handleStreamOrSingleExecutionResult } from 'graphql-yoga'
import type { Log } from '../uploads/parts.ts'
import { maskError } from './mask-error.ts'
import type { GatewayPlugin } from './plugin.ts'

/** What a caller sees of an error that was not meant for anybody. */
const MESSAGE = 'Unexpected error.'

interface Payload {
  readonly result: ExecutionResult
  readonly setResult: (result: ExecutionResult) => void
}

/** Yoga masks what is left, which belongs to no operation. */
export function createErrorMask(log: Log): GatewayPlugin {
  function masked(requestId: string | undefined) {
    return ({ result, setResult }: Payload): void => {
      if (result.errors === undefined) return
      const errors = result.errors.map((error) => maskError(log, error, MESSAGE, requestId))
      setResult({ ...result, errors })
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
