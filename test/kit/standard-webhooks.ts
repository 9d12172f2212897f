/** The package `standardwebhooks`, with which receivers verify callbacks; it is among the packages of test/recipes. */
import { createRequire } from 'node:module'
import { isRecord } from '../../src/shared/json.ts'

/** Throws unless the headers sign the body; returns the parsed body. */
type Verify = (body: string, headers: Readonly<Record<string, string>>) => unknown

const requireRecipe = createRequire(new URL('../recipes/package.json', import.meta.url))

/** @param secret one secret, `whsec_…` */
export function standardVerifier(secret: string): Verify {
  const module: unknown = requireRecipe('standardwebhooks')
  if (!isRecord(module) || typeof module['Webhook'] !== 'function') {
    throw new Error('The package standardwebhooks has no class Webhook.')
  }
  const webhook: unknown = Reflect.construct(module['Webhook'], [secret])
  return (body, headers) => {
    if (!isVerifier(webhook)) throw new Error('The class Webhook has no method verify.')
    return webhook.verify(body, headers)
  }
}

function isVerifier(value: unknown): value is { readonly verify: Verify } {
  return typeof value === 'object' && value !== null && 'verify' in value
}
