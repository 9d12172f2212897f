// @ts-check
/** Durations in the fragments of MP4 files. ISO/IEC 14496-12, 8.8. */
import { contentOfType, nestedBoxes, uint32At, uint64At } from './boxes.js'

/**
 * @typedef {{
 *   id: number,
 *   handler: string,
 *   timescale: number,
 *   mediaDuration: number,
 *   edits: readonly Edit[],
 *   sampleCount: number,
 *   samplesDuration: number,
 *   lastByte: number,
 *   firstOffset: number | null,
 *   fragmentsStart: number | null,
 *   fragmentsEnd: number | null,
 * }} Track Durations and offsets are in units of `timescale`. `firstOffset` is the time from decoding to
 * presenting the first sample.
 * @typedef {{ duration: number, mediaTime: number }} Edit `duration` is in units of the movie's timescale.
 * @typedef {{ timescale: number, tracks: readonly Track[], defaultDurations: ReadonlyMap<number, number> }} Movie
 */

/**
 * @param {Movie} movie
 * @param {Buffer} bytes content of `moof`
 */
export function addFragment({ tracks, defaultDurations }, bytes) {
  for (const fragment of nestedBoxes(bytes)) {
    if (fragment.type !== 'traf') continue
    const boxes = [...nestedBoxes(fragment.content)]
    const header = contentOfType(fragment.content, 'tfhd')
    const track = tracks.find(({ id }) => id === uint32At(header, 4))
    if (track === undefined) continue
    const decodeTime = boxes.find(({ type }) => type === 'tfdt')?.content
    const start =
      decodeTime === undefined
        ? (track.fragmentsEnd ?? track.samplesDuration)
        : decodeTime[0] === 1
          ? uint64At(decodeTime, 4)
          : uint32At(decodeTime, 4)
    const defaultDuration = headerDuration(header) ?? defaultDurations.get(track.id) ?? 0
    const runs = boxes.filter(({ type }) => type === 'trun').map(({ content }) => content)
    const duration = runs.reduce((sum, run) => sum + runDuration(run, defaultDuration), 0)
    track.firstOffset ??= runs[0] === undefined ? null : firstOffsetOf(runs[0])
    track.fragmentsStart = Math.min(track.fragmentsStart ?? start, start)
    track.fragmentsEnd = Math.max(track.fragmentsEnd ?? 0, start + duration)
  }
}

/**
 * Returns the default duration of a sample in a track fragment, if its header has it.
 * @param {Buffer} header content of `tfhd`
 */
function headerDuration(header) {
  const flags = uint32At(header, 0)
  if ((flags & 0x8) === 0) return null
  return uint32At(header, 8 + ((flags & 0x1) === 0 ? 0 : 8) + ((flags & 0x2) === 0 ? 0 : 4))
}

/**
 * @param {Buffer} run content of `trun`
 * @param {number} defaultDuration
 */
function runDuration(run, defaultDuration) {
  const flags = uint32At(run, 0)
  const count = uint32At(run, 4)
  if ((flags & 0x100) === 0) return count * defaultDuration
  const fields = countFlags(flags, [0x100, 0x200, 0x400, 0x800])
  let duration = 0
  for (
    let index = 0, at = firstSampleAt(flags);
    index < count && at + 4 <= run.length;
    index += 1
  ) {
    duration += run.readUInt32BE(at)
    at += fields * 4
  }
  return duration
}

/**
 * Returns the composition offset of a run's first sample.
 * @param {Buffer} run content of `trun`
 */
function firstOffsetOf(run) {
  const flags = uint32At(run, 0)
  if ((flags & 0x800) === 0) return 0
  return uint32At(run, firstSampleAt(flags) + 4 * countFlags(flags, [0x100, 0x200, 0x400]))
}

/** @param {number} flags of `trun` */
function firstSampleAt(flags) {
  return 8 + 4 * countFlags(flags, [0x1, 0x4])
}

/**
 * @param {number} flags
 * @param {readonly number[]} counted
 */
function countFlags(flags, counted) {
  return counted.filter((flag) => (flags & flag) !== 0).length
}
