/** Logs on standard output: one JSON object a line, or coloured lines on a terminal. */
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino'
import pretty from 'pino-pretty'
import type { Config } from '../config/node-config.ts'
import { redact } from '../shared/redact-log-line.ts'
import { showControlsInJson } from '../shared/terminal-controls.ts'

/**
 * @param destination where lines go; standard output where left out
 * @param isPretty whether lines are coloured text for people; else JSON
 */
export function createLog(
  level: Config['logLevel'],
  destination?: DestinationStream,
  isPretty: boolean = destination === undefined && process.stdout.isTTY,
): Logger {
  // Not by pino's own redaction: its wildcards reach one level each, and cost more than the line.
  const streamWrite = isPretty ? (line: string) => showControlsInJson(redact(line)) : redact
  const options: LoggerOptions = { level, base: null, hooks: { streamWrite } }
  if (isPretty) return pino(options, createPretty(destination))
  return pino(
    options,
    destination ?? byTurn(pino.destination({ dest: process.stdout.fd, sync: true })),
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

/** Characters that are not held back for the end of a turn, however long it is. */
const MOST_HELD = 64 * 1024

/**
 * Writes the lines of one turn of the event loop together: under load, a call of the system for each
 * costs more than all the rest of the line. A process that ends by itself, or by an error that nobody
 * caught, has written them all; one that is killed or aborts may lose those of its last turn.
 */
export function byTurn(destination: DestinationStream): DestinationStream {
  let held = ''

  function writeHeld(): void {
    if (held === '') return
    const lines = held
    held = ''
    destination.write(lines)
  }

  process.once('exit', writeHeld)
  return {
    write(line) {
      if (held === '') setImmediate(writeHeld)
      held += line
      if (held.length >= MOST_HELD) writeHeld()
    },
  }
}
