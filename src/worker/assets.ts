/** Files that are deployed with the Worker. https://developers.cloudflare.com/workers/static-assets/binding/ */

/** The binding of the assets directory. */
export interface AssetsBinding {
  fetch(url: string): Promise<Response>
}

/** The binding ignores the host. */
const BASE = 'https://assets.invalid/'

/** Returns a file of the assets directory; null if it has none with this path. */
export async function readAsset(
  assets: AssetsBinding,
  path: string,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const response = await assets.fetch(new URL(path, BASE).href)
  if (response.ok) return new Uint8Array(await response.arrayBuffer())
  await response.body?.cancel()
  if (response.status === 404) return null
  throw new Error(`Reading a file of the assets directory failed with status ${response.status}.`)
}

/** Returns a text file of the assets directory; null if it has none with this path. */
export async function readTextAsset(assets: AssetsBinding, path: string): Promise<string | null> {
  const bytes = await readAsset(assets, path)
  return bytes === null ? null : new TextDecoder().decode(bytes)
}
