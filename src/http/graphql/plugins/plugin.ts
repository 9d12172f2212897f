/** Type of the gateway's Yoga plugins, and a helper that changes results. */
import { isAsyncIterable, type Plugin } from 'graphql-yoga'
import type { OperationPages } from '../../../graphql/operation-pages.ts'
import type { Viewer } from '../../../uploads/viewer.ts'
import type { Accept } from '../../header-lists.ts'
import type { ExecutionResult } from 'graphql'

export type GatewayPlugin = Plugin<
  {
    readonly viewer: Viewer
    readonly requestId?: string | undefined
    readonly pages: OperationPages
  },
  { readonly accept?: Accept | undefined }
>

/** Returns plugin hooks that change the result of a query, a mutation or a rejected subscription. */
export function mapExecutionResults(
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
