/** Takes secrets out of a line of the log, whatever they stand in: the last net, for mistakes. */

/** Fields that would hold a secret if somebody logged them, in any case of letters. */
const FIELDS = [
  'authorization',
  'cookie',
  'set-cookie',
  'apiToken',
  'metricsToken',
  'token',
  'jwt',
  'secret',
  'secrets',
  'webhookSecrets',
  'password',
  'signature',
  'webhook-signature',
  'uploadURL',
  'location',
]
const IS_SECRET: ReadonlySet<string> = new Set(FIELDS.map((field) => field.toLowerCase()))
/** Whether one of them is in a line at all: next to never, and so no line is read twice. */
const MAY_HOLD = new RegExp(`"(?:${FIELDS.join('|')})":`, 'i')

/** A JWT, what follows `Bearer`, an address of an upload host, and the secret part of any tus URL. */
const WORDS =
  /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|\bbearer +[\w\-.~+/]{8,}=*|https?:\/\/upload\.[^\s"'\\]+|\/tus\/[\w-]{16,}[^\s"'\\]*/gi

const REDACTED = '[Redacted]'

/** `line` is one JSON object with a newline, and stays one. */
export function redact(line: string): string {
  const fields = MAY_HOLD.test(line) ? `${redactFields(line)}\n` : line
  return fields.replaceAll(WORDS, REDACTED)
}

function redactFields(line: string): string {
  return JSON.stringify(JSON.parse(line), (field: string, value: unknown) =>
    IS_SECRET.has(field.toLowerCase()) ? REDACTED : value,
  )
}
