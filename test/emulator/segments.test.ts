/** HLS and DASH of a video: manifests, segments, ranges, access, and what stays on the disk. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { CONTAINERS, repeatTestcard } from '../kit/long-video.ts'
import { testcardFile } from '../kit/media.ts'
import { plainVideo, writeMp4 } from '../kit/mp4.ts'
import { largeFrames } from './kit/hostile-files.ts'
import { boxesOf, durationsOf, linksOf, playlistsOf, text } from './kit/playlists.ts'
import { createStreamClient } from './kit/stream-client.ts'

/** Four times the test card: a key frame each six seconds. */
const REPETITIONS = 4
const SECONDS = 24

let file: File
beforeAll(async () => {
  file = await repeatTestcard(REPETITIONS)
})

async function startWithVideo(video: Blob = file, params: Readonly<Record<string, unknown>> = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-emulator-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const emulator = await startTestEmulator({ directory, encodeMs: 0 })
  const stream = createStreamClient(emulator)
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 600, ...params })
  expect((await stream.sendFile(uploadURL, video)).status).toBe(200)
  const details = await stream.details(uid)
  const segments = join(directory, 'segments')
  const files = () => readdir(segments, { recursive: true }).catch(() => [])
  return { emulator, stream, segments, uid, files, video: details, ...details.playback }
}

describe('HLS', () => {
  test('has a variant with codecs, resolution, rates and separate sound', async () => {
    const { hls } = await startWithVideo()
    const response = await fetch(hls)
    expect(response.headers.get('content-type')).toBe('application/vnd.apple.mpegurl')
    const main = await response.text()
    expect(main).toMatch(/^#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n/)
    expect(main).toContain('CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=640x360,AUDIO="audio"')
    const [, peak, average] = /BANDWIDTH=(\d+),AVERAGE-BANDWIDTH=(\d+)/.exec(main) ?? []
    expect(Number(peak)).toBeGreaterThanOrEqual(Number(average))
    expect(Number(average)).toBeCloseTo((file.size * 8) / SECONDS, -5)
  })

  test('lists segments of several seconds that begin with a key frame', async () => {
    const { hls } = await startWithVideo()
    const { video, audio } = await playlistsOf(hls)
    const playlist = await text(video)
    expect(playlist).toMatch(/^#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:6\n/)
    expect(playlist).toContain('#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n')
    expect(playlist).toMatch(/\n#EXT-X-ENDLIST\n$/)
    expect(durationsOf(playlist)).toEqual([6, 6, 6, 6])
    const sound = durationsOf(await text(audio))
    expect(sound.length).toBe(6)
    expect(sound.reduce((sum, seconds) => sum + seconds, 0)).toBeCloseTo(SECONDS, 1)
  })

  test.each(['video', 'audio'] as const)('serves the segments of %s as CMAF', async (track) => {
    const { hls } = await startWithVideo()
    const base = (await playlistsOf(hls))[track]
    const playlist = await text(base)
    const [, map = ''] = /^#EXT-X-MAP:URI="(.*)"$/m.exec(playlist) ?? []
    const init = await fetch(new URL(map, base))
    expect(init.headers.get('content-type')).toBe(`${track}/mp4`)
    expect(await boxesOf(init)).toEqual(['ftyp', 'moov'])
    for (const link of linksOf(playlist, base)) {
      const segment = await fetch(link)
      expect(segment.headers.get('content-type')).toBe(`${track}/mp4`)
      expect(await boxesOf(segment)).toEqual(['styp', 'sidx', 'moof', 'mdat'])
    }
  })

  test.each(CONTAINERS)('is made of a file of the container %s', async (container) => {
    const { hls } = await startWithVideo(await repeatTestcard(2, { container }))
    const { video } = await playlistsOf(hls)
    const durations = durationsOf(await text(video))
    expect(durations).toEqual([expect.closeTo(6, 1), expect.closeTo(6, 1)])
  })

  test('has no sound for a file without sound', async () => {
    const { hls, dash } = await startWithVideo(await repeatTestcard(2, { hasAudio: false }))
    const main = await text(hls)
    expect(main).toContain('CODECS="avc1.64001f"')
    expect(main).not.toContain('AUDIO')
    expect(await text(dash)).not.toContain('contentType="audio"')
    expect((await fetch(new URL('audio.m3u8', hls))).status).toBe(404)
  })

  test('has a long segment where a file has one key frame', async () => {
    const { hls } = await startWithVideo(await repeatTestcard(2, { oneKeyFrame: true }))
    const { video } = await playlistsOf(hls)
    expect(await text(video)).toContain('#EXT-X-TARGETDURATION:12\n')
  })
})

test('DASH lists the same segments with their times', async () => {
  const { dash } = await startWithVideo()
  const response = await fetch(dash)
  expect(response.headers.get('content-type')).toBe('application/dash+xml')
  const manifest = await response.text()
  expect(manifest).toContain('mediaPresentationDuration="PT24.000000S"')
  expect(manifest).toContain('codecs="avc1.64001f"')
  expect(manifest).toContain('<S t="6000000" d="6000000"/>')
  const templates = [...manifest.matchAll(/initialization="(.*)" media="(.*)"/g)]
  expect(templates).toHaveLength(2)
  for (const [, init = '', media = ''] of templates) {
    expect((await fetch(new URL(init, dash))).status).toBe(200)
    expect((await fetch(new URL(media.replace('$Number$', '4'), dash))).status).toBe(200)
    expect((await fetch(new URL(media.replace('$Number$', '99'), dash))).status).toBe(404)
  }
})

/** Starts with the second segment of the picture. */
async function startWithSegment() {
  const { hls, ...rest } = await startWithVideo()
  const url = new URL('../video/seg_2.mp4', hls)
  const bytes = Buffer.from(await (await fetch(url)).arrayBuffer())
  return { ...rest, url, bytes, size: bytes.length }
}

test.each(['manifest/video.m3u8', 'manifest/video.mpd', 'video/seg_2.mp4', 'video'])(
  '%s is sent again only if the client does not have it',
  async (path) => {
    const { hls } = await startWithVideo()
    const url = new URL(`../${path}`, hls)
    const first = await fetch(url)
    expect(first.status).toBe(200)
    const etag = first.headers.get('etag') ?? ''
    const statusWith = async (tags: string) => {
      const response = await fetch(url, { headers: { 'if-none-match': tags, range: 'bytes=0-9' } })
      return [response.status, response.headers.get('etag'), (await response.text()).length]
    }
    expect(await statusWith(etag)).toEqual([304, etag, 0])
    expect(await statusWith(`"other", W/${etag}`)).toEqual([304, etag, 0])
    expect(await statusWith('*')).toEqual([304, etag, 0])
    expect(await statusWith('"other"')).toEqual([206, etag, 10])
  },
)

describe('a segment', () => {
  test('is sent in ranges', async () => {
    const { url, bytes, size } = await startWithSegment()
    const response = await fetch(url, { headers: { range: 'bytes=100-199' } })
    expect(response.status).toBe(206)
    expect(response.headers.get('content-range')).toBe(`bytes 100-199/${size}`)
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes.subarray(100, 200))).toBe(true)
    const end = await fetch(url, { headers: { range: 'bytes=-10' } })
    expect(Buffer.from(await end.arrayBuffer()).equals(bytes.subarray(-10))).toBe(true)
    const outside = await fetch(url, { headers: { range: `bytes=${size}-` } })
    expect(outside.status).toBe(416)
    expect(outside.headers.get('content-range')).toBe(`bytes */${size}`)
    const head = await fetch(url, { method: 'HEAD' })
    expect(head.headers.get('content-length')).toBe(String(size))
    expect(head.headers.get('accept-ranges')).toBe('bytes')
  })

  test('is for pages of every origin, with the headers of ranges', async () => {
    const { url } = await startWithSegment()
    const { headers } = await fetch(url, { headers: { origin: 'https://app.example' } })
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('access-control-expose-headers')).toContain('Content-Range')
  })

  test('needs a signed URL as soon as the video does', async () => {
    const { url, stream, uid } = await startWithSegment()
    await stream.call('POST', `/${uid}`, { uid, requireSignedURLs: true })
    expect((await fetch(url)).status).toBe(401)
  })
})

test('responds 404 before the video is ready', async () => {
  const { stream } = await startWithVideo()
  const pending = await stream.mintBasic({ maxDurationSeconds: 60 })
  const { playback } = await stream.details(pending.uid)
  expect((await fetch(playback.hls)).status).toBe(404)
  expect((await fetch(new URL('../video/init.mp4', playback.hls))).status).toBe(404)
})

describe('a file that cannot be remuxed', () => {
  /** A second of PCM sound, which browsers play in no segments. */
  const pcm = writeMp4({ audio: plainVideo })

  test('gets 415 with the reason, for manifests and segments', async () => {
    const { hls, dash, files, uid } = await startWithVideo(new Blob([pcm]))
    for (const url of [hls, dash, new URL('../video/init.mp4', hls)]) {
      const response = await fetch(url)
      expect(response.status).toBe(415)
      expect(await response.text()).toBe(
        'The emulator has no HLS and DASH of this video: browsers do not play its audio codec pcm-s16 in MP4 segments, and nothing is encoded.\n',
      )
    }
    expect(await files()).toEqual([uid, join(uid, 'unplayable.txt')])
  })

  test('is not written when its packets take more room than the file', async () => {
    const { hls, files, uid } = await startWithVideo(new Blob([largeFrames(1000, 200_000, 20)]))
    const response = await fetch(hls)
    expect(response.status).toBe(415)
    expect(await response.text()).toContain('its packets take much more room than the file')
    expect(await files()).toEqual([uid, join(uid, 'unplayable.txt')])
  })
})

describe('on the disk', () => {
  test('many first requests remux a file once', async () => {
    const { hls, files, uid, segments } = await startWithVideo()
    const responses = await Promise.all(Array.from({ length: 20 }, () => fetch(hls)))
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]))
    const media = ['audio', 'video'].flatMap((track) => [`${track}.index`, `${track}.mp4`])
    const manifests = ['audio.m3u8', 'stream.m3u8', 'video.m3u8', 'video.mpd']
    const written = [...media, ...manifests].map((name) => join(uid, name))
    expect(new Set(await files())).toEqual(new Set([uid, ...written]))
    for (const path of written) expect((await stat(join(segments, path))).mode & 0o777).toBe(0o600)
    expect((await stat(segments)).mode & 0o777).toBe(0o700)
  })

  test('segments survive a restart', async () => {
    const { hls, emulator, segments, uid } = await startWithVideo()
    await text(hls)
    const path = join(segments, uid, 'video.mp4')
    const { ino } = await stat(path)
    await emulator.close()
    const second = await startTestEmulator({ directory: dirname(segments) })
    await text(`${second.url}/${uid}/manifest/video.m3u8`)
    expect((await stat(path)).ino).toBe(ino)
  })

  test('segments are removed with the video', async () => {
    const { hls, files, stream, uid } = await startWithVideo()
    await text(hls)
    await stream.call('DELETE', `/${uid}`)
    expect(await files()).toEqual([])
    expect((await fetch(hls)).status).toBe(404)
  })

  test('nothing remains of a video that is deleted while it is remuxed', async () => {
    const { hls, files, stream, uid } = await startWithVideo()
    const waiting = fetch(hls)
    await stream.call('DELETE', `/${uid}`)
    expect([200, 404]).toContain((await waiting).status)
    expect(await files()).toEqual([])
  })

  test('many videos are remuxed in turn, and a waiting one can be deleted', async () => {
    const { hls, files, stream, uid } = await startWithVideo()
    const others = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const minted = await stream.mintBasic({ maxDurationSeconds: 600 })
        await stream.sendFile(minted.uploadURL, file)
        return minted.uid
      }),
    )
    const urls = others.map((other) => hls.replace(uid, other))
    const waiting = urls.map(async (url) => (await fetch(url)).status)
    const last = others.at(-1) ?? ''
    await stream.call('DELETE', `/${last}`)
    const statuses = await Promise.all(waiting)
    expect(statuses.slice(0, -1)).toEqual([200, 200, 200, 200])
    expect((await files()).filter((name) => name.startsWith(last))).toEqual([])
    expect((await fetch(hls)).status).toBe(200)
  })

  test('nothing remains after a reset', async () => {
    const { hls, files, emulator } = await startWithVideo(testcardFile())
    await text(hls)
    await emulator.reset()
    expect(await files()).toEqual([])
  })

  test('the emulator closes while it remuxes a file', async () => {
    const { hls, files, emulator } = await startWithVideo()
    const waiting = fetch(hls).catch(() => null)
    await fetch(new URL('/', hls))
    await emulator.close()
    await waiting
    expect((await files()).filter((name) => name.endsWith('.part'))).toEqual([])
  })
})
