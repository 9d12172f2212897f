// @ts-check
/** Bit rates of a remuxed video, for its manifests. */

/** @typedef {import('./write-track.js').Rendition} Rendition */

/**
 * Returns the average and the highest bits per second of the tracks together, both at least 1.
 * @param {readonly Rendition[]} tracks
 */
export function bandwidthOf(tracks) {
  let [average, peak] = [1, 1]
  for (const { segments } of tracks) {
    const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0)
    average += (bytes * 8) / endOf(segments)
    // Segments shorter than a second, such as the last one, would give arbitrarily high rates.
    peak += segments.reduce(
      (max, segment) => Math.max(max, (segment.bytes * 8) / Math.max(1, segment.seconds)),
      0,
    )
  }
  return { average: Math.ceil(average), peak: Math.ceil(peak) }
}

/**
 * Returns the time in seconds at which the last segment ends.
 * @param {Rendition['segments']} segments
 */
export function endOf(segments) {
  const last = segments.at(-1)
  return last === undefined ? 0 : last.start + last.seconds
}
