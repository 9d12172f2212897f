/** Reads HLS playlists and the segments that they list. */
import { expect } from 'vitest'

/** The text of a successful response. */
export async function text(url: string | URL): Promise<string> {
  const response = await fetch(url)
  expect(response.status).toBe(200)
  return response.text()
}

/** URLs of a playlist, in order. */
export function linksOf(playlist: string, base: string | URL): URL[] {
  const lines = playlist.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.map((line) => new URL(line, base))
}

/** URL, media type and playlist of both tracks. */
export async function playlistsOf(hls: string) {
  const main = await text(hls)
  const [, audio = ''] = /TYPE=AUDIO,.*URI="(.*)"/.exec(main) ?? []
  const [video = new URL(hls)] = linksOf(main, hls)
  return { main, video, audio: new URL(audio, hls) }
}

/** Seconds of each segment of a playlist. */
export function durationsOf(playlist: string): number[] {
  return [...playlist.matchAll(/^#EXTINF:([\d.]+),$/gm)].map(([, seconds]) => Number(seconds))
}

/** Types of the boxes of an MP4 file. */
export async function boxesOf(response: Response): Promise<string[]> {
  const bytes = Buffer.from(await response.arrayBuffer())
  const types: string[] = []
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at)) {
    types.push(bytes.toString('latin1', at + 4, at + 8))
  }
  return types
}
