/** What a row of the benchmark is. */
import type { Entry } from '../entry.ts'
import type { Setup } from '../setup.ts'

export interface Row {
  /** For `--only`. */
  readonly name: string
  /** Part of which run: the one without a flag and `--full`, `--full` alone, or `--scale`. */
  readonly partOf: 'quick' | 'full' | 'scale'
  /** Whether it needs what `test/bench/peers` installs. */
  readonly needsPeers: boolean
  /** Rejects where it could not be measured. */
  readonly run: (setup: Setup) => Promise<readonly Entry[]>
}
