/** pino logger on standard output: one JSON object per line, or colored text on a terminal. */
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino'
import pretty from 'pino-pretty'
import type { Config } from '../config/gateway-config.ts'
import { redactLogLine } from '../shared/redact-log-line.ts'
import { escapeControlsInJson } from '../shared/terminal-controls.ts'

/**
 * @param destination default: standard output
 * @param isPretty colored text instead of JSON
 */
export function createLogger(
  level: Config['logLevel'],
  destination?: DestinationStream,
  isPretty: boolean = destination === undefined && process.stdout.isTTY,
): Logger {
  // Instead of pino's redaction: its wildcards match one level each and cost more than the line.
  const streamWrite = isPretty
    ? (line: string) => escapeControlsInJson(redactLogLine(line))
    : redactLogLine
  const options: LoggerOptions = { level, base: null, hooks: { streamWrite } }
  if (isPretty) return pino(options, createPretty(destination))
  return pino(
    options,
    destination ?? bufferPerTick(pino.destination({ dest: process.stdout.fd, sync: true })),
  )
}

function createPretty(destination?: DestinationStream): DestinationStream {
  return pretty({
    colorize: true,
    translateTime: 'SYS:HH:MM:ss.l',
    sync: true,
    ...(destination === undefined ? {} : { destination }),
  })
}

/** Characters above which the buffer is written before the end of the tick. */
const MAX_BUFFERED_CHARACTERS = 64 * 1024

/**
 * Writes all lines of one event loop tick together: under load, a system call per line costs more than the
 * rest of the line. All lines are written on exit, also after an uncaught exception. A process that is killed
 * or aborts may lose the lines of its last tick.
 */
export function bufferPerTick(destination: DestinationStream): DestinationStream {
  let buffered = ''

  function flush(): void {
    if (buffered === '') return
    const lines = buffered
    buffered = ''
    destination.write(lines)
  }

  process.once('exit', flush)
  return {
    write(line) {
      if (buffered === '') setImmediate(flush)
      buffered += line
      if (buffered.length >= MAX_BUFFERED_CHARACTERS) flush()
    },
  }
}
