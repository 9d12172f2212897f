/** Checks every response for violations, for any input. */
import { type Outcome, RESPONSE_TIMEOUT_MS } from './send-input.ts'
import type { Input } from './input.ts'

/** A line of a V8 stack trace. */
const STACK_TRACE = /\bat [^\n]{0,300}\.[cm]?[jt]s:\d+:\d+/
/** Error texts of internal failures; they can also occur in a response with status 200. */
const INTERNAL_ERROR = /Unexpected error\. Report|"(?:Unexpected error\.|INTERNAL_SERVER_ERROR)"/
/**
 * "1011 indicates that a server is terminating the connection because it encountered an unexpected
 * condition": https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1. graphql-ws closes with 4500 for the
 * same reason, and with 4004 after an invalid result of its own.
 */
const INTERNAL_ERROR_CLOSE_CODES: ReadonlySet<number> = new Set([1011, 4500, 4004])

/** Class of an outcome in the report. */
export type StatusClass = '2xx' | '3xx' | '4xx' | '5xx' | 'closed' | 'dropped'
export const statusClasses: readonly StatusClass[] = [
  '2xx',
  '3xx',
  '4xx',
  '5xx',
  'closed',
  'dropped',
]

/** Returns the class of the highest status; without a status, how the connection ended. */
export function classOf({ statuses, end }: Outcome): StatusClass {
  const classes = new Set(statuses.map(classOfStatus))
  const worst = (['5xx', '4xx', '3xx', '2xx'] as const).find((statusClass) =>
    classes.has(statusClass),
  )
  return worst ?? (end === 'dropped' ? 'dropped' : 'closed')
}

function classOfStatus(status: number): StatusClass {
  if (INTERNAL_ERROR_CLOSE_CODES.has(status) || (status >= 500 && status < 600)) return '5xx'
  // A WebSocket that was closed because of its messages.
  if (status >= 1002) return '4xx'
  if (status >= 400) return '4xx'
  if (status >= 300 && status < 400) return '3xx'
  return '2xx'
}

/** Returns each violation of the outcome, as a sentence. */
export function violationsOf(input: Input, outcome: Outcome, secrets: readonly string[]): string[] {
  const { statuses, texts, end, durationMs } = outcome
  const violations: string[] = []
  if (classOf(outcome) === '5xx') violations.push(`responded ${statuses.join(', ')}`)
  if (end === 'timed out')
    violations.push(`neither responded nor closed in ${RESPONSE_TIMEOUT_MS} ms`)
  else if (durationMs > RESPONSE_TIMEOUT_MS) violations.push(`took ${Math.round(durationMs)} ms`)
  // A complete request must get a response that names the error.
  if (end === 'closed' && input.kind === 'request') violations.push('closed without a response')
  for (const text of texts) {
    if (STACK_TRACE.test(text)) violations.push('contains a stack trace')
    if (INTERNAL_ERROR.test(text)) violations.push('reports an internal error')
    if (secrets.some((secret) => text.includes(secret))) violations.push('contains a secret')
  }
  return violations
}

/** Tokens are shortened, so that the rest of the input fits into the report. */
const JWT = /[\w-]{15,}\.[\w-]{15,}\.[\w-]{15,}/g
const MAX_CHARACTERS = 300

/** Returns an input as printable text. */
export function describeInput(input: Input): string {
  return truncate(
    input.kind === 'socket'
      ? JSON.stringify(input.messages.map(String))
      : JSON.stringify(input.bytes.toString('latin1')),
  )
}

/** Returns the text of a response without its headers. */
export function describeResponse({ texts }: Outcome): string {
  const bodies = texts.map((text) => text.replace(/\r\n.*?\r\n\r\n/s, ' … '))
  return truncate(bodies.join(' / '))
}

function truncate(text: string): string {
  const plain = text.replaceAll(JWT, 'TOKEN')
  if (plain.length <= MAX_CHARACTERS) return plain
  return `${plain.slice(0, MAX_CHARACTERS)}… (${plain.length} characters)`
}
