/** Injects faults at Stream and kills gateways and their database, at times that the seed decides. */
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { PlannedFault } from '../kit/emulator.ts'
import type { GatewayProcess } from './gateway-process.ts'
import { type Chance, chanceFrom } from './seed.ts'
import type { Setup } from './setup.ts'

/** Operations of Stream with the relative frequency of faults. */
const operations = {
  webhook: 34,
  direct_upload: 14,
  tus_create: 14,
  list: 10,
  details: 5,
  delete: 11,
  tus_head: 5,
  tus_patch: 7,
} as const
type Operation = keyof typeof operations

/** Number of applied faults by name, such as "webhook dropped". */
export type AppliedFaults = ReadonlyMap<string, number>

/** Maximum time before a killed database is started again, in milliseconds. */
const MAX_DATABASE_DOWNTIME_MS = 1500

export interface FaultOptions {
  readonly overMs: number
  readonly faultsPerSecond: number
  /** Kills of one gateway at a random time. */
  readonly kills: number
  /** Kills of all gateways while a create request is in flight at Stream. */
  readonly killsDuringCreate: number
  /** Kills of the shared database. @default 0 */
  readonly databaseKills?: number
  /** Maximum delay of a response; must be below the gateway's timeout for Stream. */
  readonly maxDelayMs: number
}

function planFault(chance: Chance, on: Operation, maxDelayMs: number): PlannedFault {
  const delayed = { on, delayMs: chance.between(100, maxDelayMs) }
  const failed = { on, status: chance.oneOf([500, 503]) }
  const rateLimited = { on, status: 429, retryAfterSeconds: 1 }
  const times = chance.between(1, 2)
  switch (on) {
    case 'webhook':
      return chance.oneOf<PlannedFault>([
        { on, drop: true, times: chance.between(1, 4) },
        { on, duplicate: chance.between(2, 3), times },
        { on, reorder: true, times },
        delayed,
        failed,
        { on, hangUpAfter: true },
      ])
    case 'direct_upload':
    case 'tus_create':
      return chance.oneOf<PlannedFault>([
        failed,
        rateLimited,
        rateLimited,
        { on, hangUp: true },
        { on, hangUpAfter: true },
        delayed,
        { ...delayed, hangUpAfter: true },
      ])
    case 'delete':
      return chance.oneOf<PlannedFault>([
        failed,
        rateLimited,
        { on, hangUp: true },
        { on, hangUpAfter: true },
        delayed,
      ])
    case 'list':
    case 'details':
      return chance.oneOf<PlannedFault>([
        failed,
        rateLimited,
        { on, hangUp: true },
        { on, hangUpAfter: true },
        delayed,
      ])
    case 'tus_head':
    case 'tus_patch':
      return chance.oneOf<PlannedFault>([{ on, status: 503 }, { on, hangUp: true }, delayed])
  }
}

/** Name of a fault in the report. */
function nameOf(fault: z.infer<typeof plannedSchema>): string {
  const effects = [
    fault.delayMs === undefined ? '' : 'delayed',
    fault.status === undefined ? '' : String(fault.status),
    fault.hangUp === true ? 'cut before the work' : '',
    fault.hangUpAfter === true ? 'cut after the work' : '',
    fault.drop === true ? 'dropped' : '',
    fault.duplicate === undefined ? '' : 'repeated',
    fault.reorder === true ? 'reordered' : '',
  ]
  return `${fault.on} ${effects.filter((effect) => effect !== '').join(', ')}`
}

const plannedSchema = z.object({
  on: z.string(),
  times: z.number().default(1),
  status: z.number().optional(),
  delayMs: z.number().optional(),
  hangUp: z.boolean().optional(),
  hangUpAfter: z.boolean().optional(),
  drop: z.boolean().optional(),
  duplicate: z.number().optional(),
  reorder: z.boolean().optional(),
})

/** Injects faults for `overMs`, then clears those not applied. Returns the applied faults. */
export async function injectFaults(
  setup: Setup,
  seed: number,
  options: FaultOptions,
): Promise<{ readonly applied: AppliedFaults; readonly killedDuringCreate: number }> {
  const applied = new Map<string, number>()
  const count = (fault: unknown, sign: 1 | -1): void => {
    const parsed = plannedSchema.parse(fault)
    const total = (applied.get(nameOf(parsed)) ?? 0) + sign * parsed.times
    if (total === 0) applied.delete(nameOf(parsed))
    else applied.set(nameOf(parsed), total)
  }
  const plan = async (fault: PlannedFault): Promise<void> => {
    count(fault, 1)
    await setup.emulator.fault(fault)
  }

  const [, killedDuringCreate] = await Promise.all([
    // Each has its own random sequence: timing must not change the plan.
    planFaults(chanceFrom(seed + 1), options, plan),
    killGateways(setup, chanceFrom(seed + 2), options, plan),
    killDatabase(setup, chanceFrom(seed + 3), options),
  ])
  const { faults } = await setup.emulator.state()
  for (const fault of faults) count(fault, -1)
  await setup.emulator.clearFaults()
  return { applied, killedDuringCreate }
}

async function planFaults(
  chance: Chance,
  { overMs, faultsPerSecond, maxDelayMs }: FaultOptions,
  plan: (fault: PlannedFault) => Promise<void>,
): Promise<void> {
  const faults = Math.round((overMs / 1000) * faultsPerSecond)
  for (let planned = 0; planned < faults; planned += 1) {
    await plan(planFault(chance, chance.weighted(operations), maxDelayMs))
    await pause((2 * chance.share() * 1000) / faultsPerSecond)
  }
}

/** Kills gateways. Returns the number of kills while a create request was in flight at Stream. */
async function killGateways(
  { gateways, emulator }: Setup,
  chance: Chance,
  { overMs, kills, killsDuringCreate, maxDelayMs }: FaultOptions,
  plan: (fault: PlannedFault) => Promise<void>,
): Promise<number> {
  const start = Date.now()
  // Two kills may follow each other closely, so that one hits a gateway that has just started.
  const times = Array.from(
    { length: kills + killsDuringCreate },
    () => chance.share() * overMs * 0.9,
  )
  let killedDuringCreate = 0
  /** A gateway is killed again only after it has started; several may restart at the same time. */
  const restarts = new Map<GatewayProcess, Promise<void>>()
  const killAndRestart = (gateway: GatewayProcess): void => {
    const before = restarts.get(gateway) ?? Promise.resolve()
    const restart = before.then(() => gateway.killAndStart())
    // Awaited at the end.
    restart.catch(() => undefined)
    restarts.set(gateway, restart)
  }
  for (const [kill, timestamp] of times.toSorted((a, b) => a - b).entries()) {
    await pause(Math.max(0, start + timestamp - Date.now()))
    if ((kill * killsDuringCreate) % (kills + killsDuringCreate) < killsDuringCreate) {
      const on = chance.oneOf<Operation>(['direct_upload', 'tus_create'])
      // Stream creates the video after the gateway is killed, or just before.
      const isCreatedAfterKill = chance.percent(50)
      const delayMs = isCreatedAfterKill ? maxDelayMs + kill + 1 : 30 + kill
      const fault = { on, delayMs, ...(isCreatedAfterKill ? {} : { hangUpAfter: true }) }
      await plan(fault)
      if (await waitUntilApplied(emulator, fault)) killedDuringCreate += 1
      if (!isCreatedAfterKill) await pause(delayMs)
      // Any of the gateways may have sent the request.
      for (const gateway of gateways) killAndRestart(gateway)
    } else killAndRestart(chance.oneOf(gateways))
  }
  await Promise.all(restarts.values())
  return killedDuringCreate
}

/** Kills the shared database and starts it again after a while. */
async function killDatabase(
  { database }: Setup,
  chance: Chance,
  { overMs, databaseKills = 0 }: FaultOptions,
): Promise<void> {
  if (database === null) return
  for (let kill = 0; kill < databaseKills; kill += 1) {
    // One kill per interval, so that requests succeed in between.
    const interval = (overMs * 0.9) / databaseKills
    const before = chance.share() * interval * 0.7
    await pause(before)
    await database.kill()
    await pause(chance.between(50, MAX_DATABASE_DOWNTIME_MS))
    await database.start()
    await pause(Math.max(0, interval - before - MAX_DATABASE_DOWNTIME_MS))
  }
}

/** Resolves with true when the emulator has applied the fault, with false after 3 s. */
async function waitUntilApplied(
  emulator: Setup['emulator'],
  { on, delayMs }: Pick<PlannedFault, 'on' | 'delayMs'>,
): Promise<boolean> {
  const deadline = Date.now() + 3000
  while (Date.now() < deadline) {
    const { faults } = await emulator.state()
    const isPending = faults.some((fault) => fault.on === on && fault['delayMs'] === delayMs)
    if (!isPending) return true
    await pause(10)
  }
  return false
}
