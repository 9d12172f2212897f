/** Terminal output of the demo: permanent lines, and a progress bar below them on a TTY. */
import { escapeControls } from '../shared/terminal-controls.ts'

const WIDTH = 40
/** Number of times the bar is printed if the output is not a TTY. */
const STEPS = 4
const CLEAR_LINE = '\r\x1b[K'

export interface Terminal {
  /** Prints a permanent line. */
  print(line: string): void
  /** Creates a progress bar; call the returned function with the bytes sent so far. */
  progressBar(totalBytes: number): (sentBytes: number) => void
}

export function createTerminal(out: NodeJS.WriteStream): Terminal {
  let bar = ''

  return {
    print(line) {
      const shown = escapeControls(line)
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
