/** CPU time and memory of processes, from Linux's /proc; null on other systems. */
import { readFileSync } from 'node:fs'

/** /proc counts in hundredths of a second on every architecture: man 5 proc. */
const MICROSECONDS_PER_TICK = 10_000

/** Microseconds of CPU time of all threads of the process since its start. */
export function cpuMicroseconds(pid: number): number | null {
  const ticks = readTicks(pid)
  return ticks === null ? null : ticks.own * MICROSECONDS_PER_TICK
}

/** Microseconds of CPU time of the process and its descendants, including those that have ended. */
export function treeMicroseconds(pid: number): number | null {
  const ticks = readTicks(pid)
  if (ticks === null) return null
  const children = (readProc(pid, `task/${pid}/children`) ?? '').split(' ').filter(Boolean)
  const living = children.map((child) => treeMicroseconds(Number(child)) ?? 0)
  return living.reduce(
    (sum, value) => sum + value,
    (ticks.own + ticks.ended) * MICROSECONDS_PER_TICK,
  )
}

/** Ticks of the process's own threads, and of its children that ended and were reaped: man 5 proc. */
function readTicks(pid: number): { readonly own: number; readonly ended: number } | null {
  const stat = readProc(pid, 'stat')
  if (stat === null) return null
  // The program name is in parentheses and may contain spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = (at: number): number => Number(fields[at])
  return { own: ticks(11) + ticks(12), ended: ticks(13) + ticks(14) }
}

/** Microseconds of all processors since the machine booted: busy, and in total. */
export function machineMicroseconds(): { readonly busy: number; readonly all: number } | null {
  const [, line] = /^cpu +(.+)$/m.exec(readProc('', 'stat') ?? '') ?? []
  if (line === undefined) return null
  // user nice system idle iowait irq softirq steal; guest time is included in `user`.
  const ticks = line.split(' ').slice(0, 8).map(Number)
  const all = ticks.reduce((sum, value) => sum + value, 0)
  const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0)
  return { busy: (all - idle) * MICROSECONDS_PER_TICK, all: all * MICROSECONDS_PER_TICK }
}

/** Current resident memory of the process, in bytes. */
export function residentBytes(pid: number): number | null {
  const status = readProc(pid, 'status')
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status ?? '') ?? []
  return kilobytes === undefined ? null : Number(kilobytes) * 1024
}

/** Maximum number of open files and sockets of this process, and of each process that it starts. */
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
