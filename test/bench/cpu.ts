/** What a process has taken of the machine, as Linux tells it; null where there is no /proc. */
import { readFileSync } from 'node:fs'

/** The kernel counts for programs in hundredths of a second on every architecture: man 5 proc. */
const MICROSECONDS_PER_TICK = 10_000

/** Microseconds of processor time that all threads of the process have used since it began. */
export function cpuMicroseconds(pid: number): number | null {
  const ticks = readTicks(pid)
  return ticks === null ? null : ticks.own * MICROSECONDS_PER_TICK
}

/** The same with all that it has started, those among them that have ended. */
export function familyMicroseconds(pid: number): number | null {
  const ticks = readTicks(pid)
  if (ticks === null) return null
  const children = (readProc(pid, `task/${pid}/children`) ?? '').split(' ').filter(Boolean)
  const living = children.map((child) => familyMicroseconds(Number(child)) ?? 0)
  return living.reduce((sum, one) => sum + one, (ticks.own + ticks.ended) * MICROSECONDS_PER_TICK)
}

/** Of the process's own threads, and of its children that ended and were waited for: man 5 proc. */
function readTicks(pid: number): { readonly own: number; readonly ended: number } | null {
  const stat = readProc(pid, 'stat')
  if (stat === null) return null
  // The name of the program stands in parentheses and may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = (at: number): number => Number(fields[at])
  return { own: ticks(11) + ticks(12), ended: ticks(13) + ticks(14) }
}

/** Microseconds of all processors since the machine began: with somebody on them, and altogether. */
export function machineMicroseconds(): { readonly busy: number; readonly all: number } | null {
  const [, line] = /^cpu +(.+)$/m.exec(readProc('', 'stat') ?? '') ?? []
  if (line === undefined) return null
  // user nice system idle iowait irq softirq steal; what guests had is in `user` already.
  const ticks = line.split(' ').slice(0, 8).map(Number)
  const all = ticks.reduce((sum, one) => sum + one, 0)
  const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0)
  return { busy: (all - idle) * MICROSECONDS_PER_TICK, all: all * MICROSECONDS_PER_TICK }
}

/** Bytes of memory that are its own at this moment. */
export function residentBytes(pid: number): number | null {
  const status = readProc(pid, 'status')
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status ?? '') ?? []
  return kilobytes === undefined ? null : Number(kilobytes) * 1024
}

/** How many files and sockets this process, and those that it starts, may have open each. */
export function openFilesLimit(): number | null {
  const [, limit] = /^Max open files +(\d+)/m.exec(readProc(process.pid, 'limits') ?? '') ?? []
  return limit === undefined ? null : Number(limit)
}

function readProc(pid: number | '', file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return null
  }
}
