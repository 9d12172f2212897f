/** Sends an operation to the fallback and, once it is compiled, to the fast path, and compares both responses. */
import { expect } from 'vitest'
import { type TestResponse, comparable, sendRequest } from './send-request.ts'
import type { Setup } from './setup.ts'

/** A GraphQL operation with the headers of its request. */
export interface TestOperation {
  readonly query: string
  readonly variables?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
}

/** Executions of an operation by the fallback before the fast path has compiled it. */
export const WARM_UP_RUNS = 2

export function sendOperation(
  url: string,
  { query, variables = {}, headers = {} }: TestOperation,
): Promise<TestResponse> {
  return sendRequest(url, headers, JSON.stringify({ query, variables }))
}

/** Expects equal responses by both paths. Returns the response of the fast path. */
export async function expectSameResponse(
  setup: Setup,
  operation: TestOperation,
): Promise<TestResponse> {
  const fallback = await sendOperation(setup.fallback, operation)
  for (let run = 0; run < WARM_UP_RUNS; run += 1) await sendOperation(setup.fast, operation)
  const fast = await sendOperation(setup.fast, operation)
  expect(comparable(fast)).toEqual(comparable(fallback))
  return fast
}
