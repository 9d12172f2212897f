/** Logs on standard output: one JSON object a line, or coloured lines on a terminal. */
import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'
import type { Config } from './config.ts'

/** Fields that would hold a secret if somebody logged them by mistake. */
const REDACTED = [
  'authorization',
  'apiToken',
  'token',
  'secret',
  'uploadURL',
  '*.authorization',
  '*.apiToken',
  '*.token',
  '*.secret',
  '*.uploadURL',
]

export function createLog(level: Config['logLevel']): Logger {
  const options = { level, base: null, redact: REDACTED }
  return process.stdout.isTTY
    ? pino(options, pretty({ colorize: true, translateTime: 'SYS:HH:MM:ss.l', sync: true }))
    : pino(options)
}
