/** What a process has taken of the machine, as Linux tells it; null where there is no /proc. */
import { readFileSync } from 'node:fs'

/** The kernel counts for programs in hundredths of a second on every architecture: man 5 proc. */
const MICROSECONDS_A_TICK = 10_000

/** Microseconds of processor time that all threads of the process have used since it began. */
export function cpuMicroseconds(pid: number): number | null {
  const stat = readProc(pid, 'stat')
  if (stat === null) return null
  // The name of the program stands in parentheses and may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * MICROSECONDS_A_TICK
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

function readProc(pid: number, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return null
  }
}
