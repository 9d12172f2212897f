/** Releases what a subscription does not need of its request, once it has begun. */
import { type ExecutionArgs, getOperationAST } from 'graphql'
import { pickVariables, variableNames } from './declared-variables.ts'
import type { GatewayPlugin } from './plugin.ts'

/** What of a request's parameters may be long. */
const PARAMETERS = ['query', 'variables', 'extensions'] as const

/** A subscription that begins. */
interface Subscribing {
  readonly args: Pick<ExecutionArgs, 'document' | 'operationName' | 'variableValues'> & {
    readonly contextValue: { readonly params?: object; readonly request?: object }
  }
}

/**
 * Yoga keeps the request and its parameters for as long as a subscription lasts, which may be hours. Last
 * among the plugins: others look at them.
 */
export const useReleasedRequest: GatewayPlugin = { onSubscribe: release }

function release({ args }: Subscribing): void {
  const { document, operationName, variableValues, contextValue } = args
  const operation = getOperationAST(document, operationName)
  if (operation && variableValues) {
    args.variableValues = pickVariables(variableNames(operation), variableValues)
  }
  // In the object itself, which closures of Yoga hold besides the context.
  const { params } = contextValue
  if (params !== undefined) for (const name of PARAMETERS) Reflect.deleteProperty(params, name)
  // It keeps its body, as bytes and as text.
  Reflect.deleteProperty(contextValue, 'request')
}
