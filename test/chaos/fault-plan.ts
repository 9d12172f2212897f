/** Faults at Stream and deaths of gateways and of their database, at moments that the seed decides. */
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { PlannedFault } from '../kit/emulator.ts'
import type { GatewayProcess } from './gateway-process.ts'
import { type Chance, chanceFrom } from './seed.ts'
import type { Setup } from './setup.ts'

/** Where trouble strikes, and how often compared with the others. */
const places = {
  webhook: 34,
  direct_upload: 14,
  tus_create: 14,
  list: 10,
  details: 5,
  delete: 11,
  tus_head: 5,
  tus_patch: 7,
} as const
type Place = keyof typeof places

/** Faults by kind, such as "webhook dropped", with how often they struck. */
export type Struck = ReadonlyMap<string, number>

/** How long a database stays dead at most, in milliseconds; it takes a moment more to come back. */
const LONGEST_ABSENCE_MS = 1500

export interface TroubleOptions {
  readonly overMs: number
  readonly faultsPerSecond: number
  /** Kills of one gateway at any moment, and of all at once while a creation is at Stream. */
  readonly kills: number
  readonly aimedKills: number
  /** Kills of the database that gateways share. @default 0 */
  readonly databaseKills?: number
  /** A creation that takes longer than a gateway waits for would be another story. */
  readonly longestDelayMs: number
}

function planFault(chance: Chance, on: Place, longestDelayMs: number): PlannedFault {
  const delayed = { on, delayMs: chance.between(100, longestDelayMs) }
  const refused = { on, status: chance.oneOf([500, 503]) }
  const limited = { on, status: 429, retryAfterSeconds: 1 }
  const times = chance.between(1, 2)
  switch (on) {
    case 'webhook':
      return chance.oneOf<PlannedFault>([
        { on, drop: true, times: chance.between(1, 4) },
        { on, duplicate: chance.between(2, 3), times },
        { on, reorder: true, times },
        delayed,
        refused,
        { on, hangUpAfter: true },
      ])
    case 'direct_upload':
    case 'tus_create':
      return chance.oneOf<PlannedFault>([
        refused,
        limited,
        limited,
        { on, hangUp: true },
        { on, hangUpAfter: true },
        delayed,
        { ...delayed, hangUpAfter: true },
      ])
    case 'delete':
      return chance.oneOf<PlannedFault>([
        refused,
        limited,
        { on, hangUp: true },
        { on, hangUpAfter: true },
        delayed,
      ])
    case 'list':
    case 'details':
      return chance.oneOf<PlannedFault>([
        refused,
        limited,
        { on, hangUp: true },
        { on, hangUpAfter: true },
        delayed,
      ])
    case 'tus_head':
    case 'tus_patch':
      return chance.oneOf<PlannedFault>([{ on, status: 503 }, { on, hangUp: true }, delayed])
  }
}

/** What a fault is called in the report. */
function nameOf(fault: z.infer<typeof plannedSchema>): string {
  const does = [
    fault.delayMs === undefined ? '' : 'delayed',
    fault.status === undefined ? '' : String(fault.status),
    fault.hangUp === true ? 'cut before the work' : '',
    fault.hangUpAfter === true ? 'cut after the work' : '',
    fault.drop === true ? 'dropped' : '',
    fault.duplicate === undefined ? '' : 'repeated',
    fault.reorder === true ? 'reordered' : '',
  ]
  return `${fault.on} ${does.filter((word) => word !== '').join(', ')}`
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

/** Makes trouble for so long, then clears away what has not struck; tells what has. */
export async function makeTrouble(
  setup: Setup,
  seed: number,
  options: TroubleOptions,
): Promise<{ readonly struck: Struck; readonly aimed: number }> {
  const struck = new Map<string, number>()
  const count = (fault: unknown, sign: 1 | -1): void => {
    const named = plannedSchema.parse(fault)
    const total = (struck.get(nameOf(named)) ?? 0) + sign * named.times
    if (total === 0) struck.delete(nameOf(named))
    else struck.set(nameOf(named), total)
  }
  const plan = async (fault: PlannedFault): Promise<void> => {
    count(fault, 1)
    await setup.emulator.fault(fault)
  }

  const [, aimed] = await Promise.all([
    // Each with a chance of its own: which of them is faster must not change the plan.
    plantFaults(chanceFrom(seed + 1), options, plan),
    killAgainAndAgain(setup, chanceFrom(seed + 2), options, plan),
    killDatabase(setup, chanceFrom(seed + 3), options),
  ])
  const { faults } = await setup.emulator.state()
  for (const fault of faults) count(fault, -1)
  await setup.emulator.clearFaults()
  return { struck, aimed }
}

async function plantFaults(
  chance: Chance,
  { overMs, faultsPerSecond, longestDelayMs }: TroubleOptions,
  plan: (fault: PlannedFault) => Promise<void>,
): Promise<void> {
  const faults = Math.round((overMs / 1000) * faultsPerSecond)
  for (let planted = 0; planted < faults; planted += 1) {
    await plan(planFault(chance, chance.weighted(places), longestDelayMs))
    await pause((2 * chance.share() * 1000) / faultsPerSecond)
  }
}

/** How many of the kills met a creation between the gateway's question and Stream's answer. */
async function killAgainAndAgain(
  { gateways, emulator }: Setup,
  chance: Chance,
  { overMs, kills, aimedKills, longestDelayMs }: TroubleOptions,
  plan: (fault: PlannedFault) => Promise<void>,
): Promise<number> {
  const start = Date.now()
  // Now and then two in a row, so that one meets a gateway that has hardly started.
  const moments = Array.from({ length: kills + aimedKills }, () => chance.share() * overMs * 0.9)
  let aimed = 0
  /** Another may die while one starts; the same one only after it has started. */
  const restarts = new Map<GatewayProcess, Promise<void>>()
  const strike = (gateway: GatewayProcess): void => {
    const before = restarts.get(gateway) ?? Promise.resolve()
    const restart = before.then(() => gateway.killAndStart())
    // It is waited for at the end.
    restart.catch(() => undefined)
    restarts.set(gateway, restart)
  }
  for (const [kill, timestamp] of moments.toSorted((a, b) => a - b).entries()) {
    await pause(Math.max(0, start + timestamp - Date.now()))
    if ((kill * aimedKills) % (kills + aimedKills) < aimedKills) {
      const on = chance.oneOf<Place>(['direct_upload', 'tus_create'])
      // The video is made after the death of who asked for it, or just before.
      const isMadeLater = chance.percent(50)
      const delayMs = isMadeLater ? longestDelayMs + kill + 1 : 30 + kill
      const fault = { on, delayMs, ...(isMadeLater ? {} : { hangUpAfter: true }) }
      await plan(fault)
      if (await hasStruck(emulator, fault)) aimed += 1
      if (!isMadeLater) await pause(delayMs)
      // Whichever of them asked.
      for (const gateway of gateways) strike(gateway)
    } else strike(chance.oneOf(gateways))
  }
  await Promise.all(restarts.values())
  return aimed
}

/** Where gateways share one: it dies, is away for a while, and comes back. */
async function killDatabase(
  { database }: Setup,
  chance: Chance,
  { overMs, databaseKills = 0 }: TroubleOptions,
): Promise<void> {
  if (database === null) return
  for (let kill = 0; kill < databaseKills; kill += 1) {
    // Each in a stretch of its own, so that something is done in between.
    const stretch = (overMs * 0.9) / databaseKills
    const before = chance.share() * stretch * 0.7
    await pause(before)
    await database.kill()
    await pause(chance.between(50, LONGEST_ABSENCE_MS))
    await database.start()
    await pause(Math.max(0, stretch - before - LONGEST_ABSENCE_MS))
  }
}

/** True once nobody plans it any more, so that it is on its way; false where nobody met it. */
async function hasStruck(
  emulator: Setup['emulator'],
  { on, delayMs }: Pick<PlannedFault, 'on' | 'delayMs'>,
): Promise<boolean> {
  const deadline = Date.now() + 3000
  while (Date.now() < deadline) {
    const { faults } = await emulator.state()
    const waits = faults.some((fault) => fault.on === on && fault['delayMs'] === delayMs)
    if (!waits) return true
    await pause(10)
  }
  return false
}
