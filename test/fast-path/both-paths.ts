/** Sends one operation until the lane knows it, and once by the long way: what both say. */
import { expect } from 'vitest'
import { type Sent, comparable, send } from './send-request.ts'
import type { Setup } from './setup.ts'

/** What is asked, with its headers. */
export interface Question {
  readonly query: string
  readonly variables?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
}

/** So often an operation is carried out before the lane has a plan of it. */
export const LESSONS = 2

export function ask(url: string, { query, variables = {}, headers = {} }: Question): Promise<Sent> {
  return send(url, headers, JSON.stringify({ query, variables }))
}

/** The lane's answer is to be the long way's. Returns it, for what else a test wants of it. */
export async function expectSame(setup: Setup, question: Question): Promise<Sent> {
  const long = await ask(setup.long, question)
  for (let lesson = 0; lesson < LESSONS; lesson += 1) await ask(setup.fast, question)
  const fast = await ask(setup.fast, question)
  expect(comparable(fast)).toEqual(comparable(long))
  return fast
}
