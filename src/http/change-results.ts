/** Changes what an operation came to, whichever kind it is. Streams of events go by as they are. */
import type { ExecutionResult } from 'graphql'
import { isAsyncIterable } from 'graphql-yoga'
import type { GatewayPlugin } from './graphql/plugins/plugin.ts'

/** The hooks of a plugin that changes each single result: of a query, a mutation, or a refused subscription. */
export function changeResults(
  change: (result: ExecutionResult) => ExecutionResult,
): Required<Pick<GatewayPlugin, 'onExecute' | 'onSubscribe'>> {
  return {
    onExecute: () => ({
      onExecuteDone({ result, setResult }) {
        if (!isAsyncIterable(result)) setResult(change(result))
      },
    }),
    onSubscribe: () => ({
      onSubscribeResult({ result, setResult }) {
        if (!isAsyncIterable(result)) setResult(change(result))
      },
    }),
  }
}
