/** Yoga plugin that frees a subscription's request data once the subscription has started. */
import { type ExecutionArgs, getOperationAST } from 'graphql'
import { pickVariables, variableNames } from './declared-variables.ts'
import type { GatewayPlugin } from './plugin.ts'

/** Request parameters that can be large. */
const PARAMETERS = ['query', 'variables', 'extensions'] as const

/** Payload of the `onSubscribe` hook. */
interface Subscribing {
  readonly args: Pick<ExecutionArgs, 'document' | 'operationName' | 'variableValues'> & {
    readonly contextValue: { readonly params?: object; readonly request?: object }
  }
}

/**
 * Frees memory: Yoga keeps the request and its parameters as long as a subscription runs, which can be
 * hours. Must be the last plugin, because others read them.
 */
export const useReleasedRequest: GatewayPlugin = { onSubscribe: release }

function release({ args }: Subscribing): void {
  const { document, operationName, variableValues, contextValue } = args
  const operation = getOperationAST(document, operationName)
  if (operation && variableValues) {
    args.variableValues = pickVariables(variableNames(operation), variableValues)
  }
  // Deletes from the object itself, which closures of Yoga reference as well.
  const { params } = contextValue
  if (params !== undefined) for (const name of PARAMETERS) Reflect.deleteProperty(params, name)
  // The request holds its body as bytes and as text.
  Reflect.deleteProperty(contextValue, 'request')
}
