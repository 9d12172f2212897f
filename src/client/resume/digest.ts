/** Digests for storage keys. */
import { toHex } from '../bytes.ts'

/**
 * Returns 128 bits in hex: the first half of SHA-256. Pages without TLS and React Native have no SHA-256; a plain
 * hash suffices there, because the files of one user do not try to collide.
 * https://developer.mozilla.org/en-US/docs/Web/API/Crypto/subtle
 */
export async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle
  return subtle === undefined
    ? plainHash(bytes)
    : toHex(new Uint8Array(await subtle.digest('SHA-256', bytes), 0, 16))
}

/** Initial values and factors of four independent 32-bit hashes. */
const HASHES: readonly (readonly [seed: number, factor: number])[] = [
  [1_779_033_703, 597_399_067],
  [3_144_134_277, 2_869_860_233],
  [1_013_904_242, 951_274_213],
  [2_773_480_762, 2_716_044_179],
]

function plainHash(bytes: Uint8Array): string {
  return HASHES.map(([seed, factor]) => {
    let hash = seed
    for (const byte of bytes) {
      hash = Math.imul(hash ^ byte, factor)
      // Without rotation, high bits would never reach low ones.
      hash = (hash << 13) | (hash >>> 19)
    }
    hash = Math.imul(hash ^ (hash >>> 16), factor)
    return (hash >>> 0).toString(16).padStart(8, '0')
  }).join('')
}
