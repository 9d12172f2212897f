// @ts-check
/**
 * Result of reading one file.
 * @typedef {{
 *   kind: 'video' | 'no-video' | 'damaged',
 *   contentType: string | null,
 *   durationSeconds: number | null,
 *   width: number | null,
 *   height: number | null,
 * }} Result
 */

/**
 * @param {'no-video' | 'damaged'} kind
 * @param {string | null} contentType
 * @returns {Result}
 */
export function emptyResult(kind, contentType) {
  return { kind, contentType, durationSeconds: null, width: null, height: null }
}
