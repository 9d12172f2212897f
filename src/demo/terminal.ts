/** Where the demo writes: lines that stay, and on a terminal one progress bar below them. */
import { showControls } from '../shared/terminal-controls.ts'

const WIDTH = 40
/** Shares at which the bar is printed where nothing can be redrawn. */
const STEPS = 4
const CLEAR_LINE = '\r\x1b[K'

export interface Screen {
  /** A line that stays. */
  say(line: string): void
  /** A bar over so many bytes; tell it how many have gone up. */
  progressBar(totalBytes: number): (sentBytes: number) => void
}

export function createScreen(out: NodeJS.WriteStream): Screen {
  let bar = ''

  return {
    say(line) {
      const shown = showControls(line)
      out.write(bar === '' ? `${shown}\n` : `${CLEAR_LINE}${shown}\n${bar}`)
    },
    progressBar(totalBytes) {
      let lastShown = -1
      return (sentBytes) => {
        const share = Math.min(1, sentBytes / totalBytes)
        const shown = Math.floor(share * (out.isTTY ? 100 : STEPS))
        if (shown === lastShown) return
        lastShown = shown
        const line = drawBar(share, totalBytes)
        if (!out.isTTY) {
          out.write(`${line}\n`)
          return
        }
        bar = share === 1 ? '' : line
        out.write(`${CLEAR_LINE}${line}${share === 1 ? '\n' : ''}`)
      }
    },
  }
}

function drawBar(share: number, totalBytes: number): string {
  const filled = Math.round(share * WIDTH)
  const percent = String(Math.floor(share * 100)).padStart(3)
  const megabytes = (totalBytes / 1e6).toFixed(1)
  return `   ${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} ${percent} % of ${megabytes} MB`
}
