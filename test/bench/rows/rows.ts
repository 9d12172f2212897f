/** Every row, in the order of the table. */
import { scaleOut } from './scale-out.ts'
import { crossGatewayLatency } from './cross-gateway-latency.ts'
import { callbacks } from './callbacks.ts'
import { callsUntilReady } from './calls-until-ready.ts'
import { coldStart } from './cold-start.ts'
import { fanOut } from './fan-out.ts'
import { minting } from './minting.ts'
import { overload } from './overload.ts'
import { listing, reading } from './reading.ts'
import { playback } from './playback.ts'
import { readingPostgres } from './reading-postgres.ts'
import { queryPlans } from './query-plans.ts'
import { diskUsage } from './disk-usage.ts'
import type { Row } from './row.ts'
import { scaleFanOut } from './scale-fan-out.ts'
import { scalePostgres } from './scale-postgres.ts'
import { scaleUploads } from './scale-uploads.ts'
import { soak } from './soak.ts'
import { tusPatch } from './tus-patch.ts'
import { webhook } from './webhook.ts'

export const rows: readonly Row[] = [
  reading,
  readingPostgres,
  listing,
  playback,
  minting,
  callbacks,
  fanOut,
  webhook,
  crossGatewayLatency,
  tusPatch,
  callsUntilReady,
  coldStart,
  overload,
  scaleOut,
  soak,
  scaleUploads,
  scalePostgres,
  scaleFanOut,
  diskUsage,
  queryPlans,
]
