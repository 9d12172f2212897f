/** The load generator: a separate process that executes one work message at a time. */
import { runClosedLoop } from './closed-loop.ts'
import { beginChurn, unsubscribe, subscribeGroup, makeChange } from './subscriber-groups.ts'
import { runOpenLoop } from './open-loop.ts'
import { sendFile } from './send-file.ts'
import { type Work, work } from './work.ts'

process.on('message', (message) => void handle(message))
// The parent process has exited.
process.on('disconnect', () => process.exit(0))

async function handle(message: unknown): Promise<void> {
  try {
    process.send?.({ result: await perform(work.parse(message)) })
  } catch (error) {
    process.send?.({ failure: error instanceof Error ? error.message : String(error) })
  }
}

function perform(params: Work): unknown {
  switch (params.kind) {
    case 'closed-loop':
      return runClosedLoop(params)
    case 'open-loop':
      return runOpenLoop(params)
    case 'subscribe':
      return subscribeGroup(params)
    case 'change':
      return makeChange(params)
    case 'churn':
      return beginChurn(params.group, params.perSecond)
    case 'unsubscribe':
      return unsubscribe(params.group)
    case 'send-file':
      return sendFile(params)
  }
}
