/** So many at once, the others in the order in which they came. */

export interface Turns {
  /** Resolves, when it is one's turn, with how to give it up; rejects where the signal aborts first. */
  take(signal: AbortSignal): Promise<() => void>
}

export function createTurns(most: number): Turns {
  let taken = 0
  const waiting = new Set<() => void>()

  function giveUp(): void {
    taken -= 1
    const [next] = waiting
    next?.()
  }

  return {
    take(signal) {
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          waiting.delete(begin)
          reject(signal.reason)
        }
        function begin(): void {
          waiting.delete(begin)
          signal.removeEventListener('abort', leave)
          taken += 1
          let isMine = true
          resolve(() => {
            if (isMine) giveUp()
            isMine = false
          })
        }
        if (signal.aborted) leave()
        else if (taken < most) begin()
        else {
          waiting.add(begin)
          signal.addEventListener('abort', leave)
        }
      })
    },
  }
}
