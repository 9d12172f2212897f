/** What no answer may be, whatever was asked. */
import { type Outcome, BACKOFF_MS } from './exchange.ts'
import type { Input } from './input.ts'

/** Lines of a stack, as V8 writes them. */
const STACK = /\bat [^\n]{0,300}\.[cm]?[jt]s:\d+:\d+/
/** What the gateway says where it failed itself, also inside of an answer that is a 200. */
const OWN_FAILURE = /Unexpected error\. Report|"(?:Unexpected error\.|INTERNAL_SERVER_ERROR)"/
/**
 * "1011 indicates that a server is terminating the connection because it encountered an unexpected
 * condition": https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1. graphql-ws says 4500 for it, and
 * 4004 where its own answer was none.
 */
const FAILURES_OF_SOCKETS: ReadonlySet<number> = new Set([1011, 4500, 4004])

/** How an outcome is counted. */
export type StatusClass = '2xx' | '3xx' | '4xx' | '5xx' | 'closed' | 'dropped'
export const statusClasses: readonly StatusClass[] = [
  '2xx',
  '3xx',
  '4xx',
  '5xx',
  'closed',
  'dropped',
]

/** The worst of its statuses decides; without any, how it ended. */
export function classOf({ statuses, end }: Outcome): StatusClass {
  const classes = new Set(statuses.map(classOfStatus))
  const worst = (['5xx', '4xx', '3xx', '2xx'] as const).find((one) => classes.has(one))
  return worst ?? (end === 'dropped' ? 'dropped' : 'closed')
}

function classOfStatus(status: number): StatusClass {
  if (FAILURES_OF_SOCKETS.has(status) || (status >= 500 && status < 600)) return '5xx'
  // A WebSocket that was closed because of what was said on it.
  if (status >= 1002) return '4xx'
  if (status >= 400) return '4xx'
  if (status >= 300 && status < 400) return '3xx'
  return '2xx'
}

/** Each promise that the outcome breaks, as a sentence. */
export function brokenPromises(
  input: Input,
  outcome: Outcome,
  secrets: readonly string[],
): string[] {
  const { statuses, texts, end, tookMs } = outcome
  const broken: string[] = []
  if (classOf(outcome) === '5xx') broken.push(`answered ${statuses.join(', ')}`)
  if (end === 'silent') broken.push(`neither answered nor closed in ${BACKOFF_MS} ms`)
  else if (tookMs > BACKOFF_MS) broken.push(`took ${Math.round(tookMs)} ms`)
  // Whoever sends a whole request is told what is wrong with it.
  if (end === 'closed' && input.kind === 'ask') broken.push('closed without an answer')
  for (const text of texts) {
    if (STACK.test(text)) broken.push('shows a stack')
    if (OWN_FAILURE.test(text)) broken.push('failed by itself')
    if (secrets.some((secret) => text.includes(secret))) broken.push('shows a secret')
  }
  return broken
}

/** A token says nothing, and pushes what was sent with it out of sight. */
const TOKEN = /[\w-]{15,}\.[\w-]{15,}\.[\w-]{15,}/g
const MAX_CHARACTERS = 300

/** An input as it can be printed. */
export function describeInput(input: Input): string {
  return shortened(
    input.kind === 'socket'
      ? JSON.stringify(input.messages.map(String))
      : JSON.stringify(input.bytes.toString('latin1')),
  )
}

/** What was said, without the headers that every answer has. */
export function describeAnswer({ texts }: Outcome): string {
  const said = texts.map((text) => text.replace(/\r\n.*?\r\n\r\n/s, ' … '))
  return shortened(said.join(' / '))
}

function shortened(text: string): string {
  const plain = text.replaceAll(TOKEN, 'TOKEN')
  if (plain.length <= MAX_CHARACTERS) return plain
  return `${plain.slice(0, MAX_CHARACTERS)}… (${plain.length} characters)`
}
