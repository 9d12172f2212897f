/** Prints what the rounds came to, as a table that can be quoted. */
import { print, seconds } from '../chaos/report.ts'
import { MUTATIONS, type Round } from './round.ts'

export function printRounds(rounds: readonly Round[]): void {
  const sum = (count: (round: Round) => number): number =>
    rounds.reduce((total, round) => total + count(round), 0)
  print(`SIGTERM with ${MUTATIONS} mutations under way, ${rounds.length} times`, [
    ['answered', `${sum(({ answered }) => answered)} of ${rounds.length * MUTATIONS}`],
    ['  over a socket', `${sum((round) => Number(round.answeredOverSocket))} of ${rounds.length}`],
    ['orphans', sum(({ orphans }) => orphans)],
    ['reservations without an outcome', sum(({ unsettled }) => unsettled)],
    [
      'exit code 0',
      `${rounds.filter(({ exitCode }) => exitCode === 0).length} of ${rounds.length}`,
    ],
    [
      'databases sound and checkpointed',
      `${rounds.filter((round) => round.integrity === 'ok' && !round.leftLog).length} of ${rounds.length}`,
    ],
    [
      'seconds from the signal to the end, at most',
      seconds(Math.max(...rounds.map(({ tookMs }) => tookMs))),
    ],
  ])
}
