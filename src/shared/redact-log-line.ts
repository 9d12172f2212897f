/** Redacts secrets in log lines: the last line of defense against mistakes in log calls. */

/** Names of secret fields, case-insensitive. */
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
/** Matches lines with such a field. Almost none has one, so lines are rarely parsed. */
const SECRET_FIELD = new RegExp(`"(?:${FIELDS.join('|')})":`, 'i')

/**
 * A JWT, a bearer token, a secret of callbacks, a URL of an upload host, and the secret part of a tus URL. No match
 * can start within another: the time is linear in the length of the line, which clients determine.
 */
const SECRET_PATTERN =
  /(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|\bbearer +[\w\-.~+/]{8,}=*|\bwhsec_[\w\-+/]{8,}=*|https?:\/\/upload\.[^\s"'\\]+|\/tus\/[\w-]{16,}[^\s"'\\]*/gi

const REDACTED = '[Redacted]'

/** Redacts one line, a JSON object with a newline, and returns the same format. */
export function redactLogLine(line: string): string {
  const fields = SECRET_FIELD.test(line) ? `${redactFields(line)}\n` : line
  return fields.replaceAll(SECRET_PATTERN, REDACTED)
}

function redactFields(line: string): string {
  return JSON.stringify(JSON.parse(line), (field: string, value: unknown) =>
    IS_SECRET.has(field.toLowerCase()) ? REDACTED : value,
  )
}
