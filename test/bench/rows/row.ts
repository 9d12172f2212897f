/** A row of the benchmark. */
import type { Entry } from '../entry.ts'
import type { Setup } from '../setup.ts'

export interface Row {
  /** Name for `--only`. */
  readonly name: string
  /** The run that includes this row: `quick` rows run without a flag and with `--full`. */
  readonly partOf: 'quick' | 'full' | 'scale'
  /** Whether the packages of `test/bench/peers` must be installed. */
  readonly needsPeers: boolean
  /** Rejects when the measurement fails. */
  readonly run: (setup: Setup) => Promise<readonly Entry[]>
}
