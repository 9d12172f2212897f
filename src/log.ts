/** Logs on standard output: one JSON object a line, or coloured lines on a terminal. */
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino'
import pretty from 'pino-pretty'
import type { Config } from './config.ts'
import { redact } from './redact.ts'

const STANDARD_OUTPUT = 1

/** @param destination where lines go; standard output where left out */
export function createLog(level: Config['logLevel'], destination?: DestinationStream): Logger {
  // Not by pino's own redaction: its wildcards reach one level each, and cost more than the line.
  const options: LoggerOptions = { level, base: null, hooks: { streamWrite: redact } }
  if (destination !== undefined) return pino(options, destination)
  if (process.stdout.isTTY) {
    return pino(options, pretty({ colorize: true, translateTime: 'SYS:HH:MM:ss.l', sync: true }))
  }
  // While one line is written, others gather and go together: waiting for each would cost more than
  // most of what they tell of. What has gathered is written when the process ends, too.
  return pino(options, pino.destination({ dest: STANDARD_OUTPUT, sync: false }))
}
