/** Prints the results of the rounds as a table. */
import { print, seconds } from '../chaos/report.ts'
import { MUTATIONS, type Round } from './round.ts'

export function printRounds(rounds: readonly Round[]): void {
  const sum = (count: (round: Round) => number): number =>
    rounds.reduce((total, round) => total + count(round), 0)
  print(`SIGTERM with ${MUTATIONS} mutations in flight, ${rounds.length} times`, [
    ['completed', `${sum(({ completed }) => completed)} of ${rounds.length * MUTATIONS}`],
    [
      '  over a WebSocket',
      `${sum((round) => Number(round.completedOverSocket))} of ${rounds.length}`,
    ],
    ['orphans', sum(({ orphans }) => orphans)],
    ['reservations without an outcome', sum(({ withoutOutcome }) => withoutOutcome)],
    [
      'exit code 0',
      `${rounds.filter(({ exitCode }) => exitCode === 0).length} of ${rounds.length}`,
    ],
    [
      'databases intact and checkpointed',
      `${rounds.filter((round) => round.integrity === 'ok' && !round.leftWal).length} of ${rounds.length}`,
    ],
    [
      'seconds from the signal to the exit, at most',
      seconds(Math.max(...rounds.map(({ durationMs }) => durationMs))),
    ],
  ])
}
