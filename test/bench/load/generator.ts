/** The load generator: a process of its own, which does one piece of work after the other. */
import { runClosedLoop } from './closed-loop.ts'
import { beginChurn, disperse, gather, makeChange } from './subscriber-groups.ts'
import { runOpenLoop } from './open-loop.ts'
import { sendFile } from './send-file.ts'
import { type Work, work } from './work.ts'

process.on('message', (message) => void answer(message))
// Whoever started it is gone: nobody would end it.
process.on('disconnect', () => process.exit(0))

async function answer(message: unknown): Promise<void> {
  try {
    process.send?.({ result: await perform(work.parse(message)) })
  } catch (error) {
    process.send?.({ failure: error instanceof Error ? error.message : String(error) })
  }
}

function perform(asked: Work): unknown {
  switch (asked.kind) {
    case 'closed-loop':
      return runClosedLoop(asked)
    case 'open-loop':
      return runOpenLoop(asked)
    case 'subscribe':
      return gather(asked)
    case 'change':
      return makeChange(asked)
    case 'churn':
      return beginChurn(asked.crowd, asked.perSecond)
    case 'disperse':
      return disperse(asked.crowd)
    case 'send-file':
      return sendFile(asked)
  }
}
