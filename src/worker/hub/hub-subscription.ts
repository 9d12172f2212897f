/** One listener's connection to the hub, which is asked now and then whether it is still there. */
import type { Clock } from '../../uploads/dependencies.ts'
import type { EndOfSocket } from '../runtime-types.ts'

/** What is asked, and what the runtime answers for the hub while that sleeps. */
export const ARE_YOU_THERE = '?'
export const I_AM = '!'

/** How often it is asked, in milliseconds: a change that is not heard is noticed so much later. */
const ASK_EVERY_MS = 20_000
const NORMAL_CLOSURE = 1000

/** Begins to hear. `lost` is called once where the other end has gone. What comes back ends it. */
export function hearFrom(
  socket: EndOfSocket,
  clock: Pick<Clock, 'wait'>,
  hear: (text: string) => void,
  lost: () => void,
): () => void {
  const over = new AbortController()
  let isAnswered = true

  function lose(): void {
    if (over.signal.aborted) return
    over.abort()
    lost()
  }

  async function keepAsking(): Promise<void> {
    for (;;) {
      await clock.wait(ASK_EVERY_MS, over.signal)
      if (over.signal.aborted) return
      if (!isAnswered) {
        lose()
        socket.close(NORMAL_CLOSURE)
        return
      }
      isAnswered = false
      socket.send(ARE_YOU_THERE)
    }
  }

  socket.addEventListener('message', ({ data }) => {
    if (data === I_AM) isAnswered = true
    else if (typeof data === 'string') hear(data)
  })
  socket.addEventListener('close', lose)
  socket.addEventListener('error', lose)
  socket.accept()
  // To send where the other end has gone throws.
  keepAsking().catch(lose)
  return () => {
    if (over.signal.aborted) return
    over.abort()
    socket.close(NORMAL_CLOSURE)
  }
}
