/** A progress bar: one line that redraws itself on a terminal, a few lines elsewhere. */

const WIDTH = 40
/** Shares at which a line is printed where nothing can be redrawn. */
const STEPS = 4

/** Tells how many bytes of the whole have gone up. */
export type Progress = (sentBytes: number) => void

export function createProgressBar(totalBytes: number): Progress {
  const terminal = process.stdout.isTTY
  let lastShown = -1
  return (sentBytes) => {
    const share = Math.min(1, sentBytes / totalBytes)
    const shown = Math.floor(share * (terminal ? 100 : STEPS))
    if (shown === lastShown) return
    lastShown = shown
    const filled = Math.round(share * WIDTH)
    const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled)
    const line = `   ${bar} ${String(Math.round(share * 100)).padStart(3)} % of ${(totalBytes / 1e6).toFixed(1)} MB`
    process.stdout.write(terminal ? `\r${line}${share === 1 ? '\n' : ''}` : `${line}\n`)
  }
}
