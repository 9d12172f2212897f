/** Thumbnails: their geometry, and the parameters of their URLs. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import {
  THUMBNAIL_FITS,
  thumbnailGeometry,
  type Size,
  type ThumbnailGeometry,
} from '../../src/emulator/playback/thumbnail-geometry.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { testcardFile } from '../kit/media.ts'
import { createStreamClient } from './kit/stream-client.ts'

const pixels = fc.integer({ min: 1, max: 4096 })
const size = fc.record({ width: pixels, height: pixels })

/** Width and height of the picture relative to the thumbnail, in ascending order. */
const sharesOf = (geometry: ThumbnailGeometry) =>
  [geometry.picture.width / geometry.width, geometry.picture.height / geometry.height].toSorted(
    (a, b) => a - b,
  )

/** Checks a law for every video and requested size. */
function holds(law: (video: Size, requested: Size) => void): void {
  fc.assert(fc.property(size, size, law))
}

describe('geometry', () => {
  test.each(['crop', 'fill'] as const)(
    '%s has the requested size, and the centered picture in its aspect ratio',
    (fit) => {
      holds((video, requested) => {
        const { picture, ...thumbnail } = thumbnailGeometry(video, { ...requested, fit })
        expect(thumbnail).toEqual(requested)
        expect(picture.width / video.width).toBeCloseTo(picture.height / video.height, 6)
        expect(picture.x + picture.width / 2).toBeCloseTo(thumbnail.width / 2, 6)
        expect(picture.y + picture.height / 2).toBeCloseTo(thumbnail.height / 2, 6)
      })
    },
  )

  test('crop covers the thumbnail, and is cut at two edges only', () => {
    holds((video, requested) => {
      const [smaller] = sharesOf(thumbnailGeometry(video, { ...requested, fit: 'crop' }))
      expect(smaller).toBeCloseTo(1, 6)
    })
  })

  test('fill contains the whole picture, and is black at two edges only', () => {
    holds((video, requested) => {
      const [, larger] = sharesOf(thumbnailGeometry(video, { ...requested, fit: 'fill' }))
      expect(larger).toBeCloseTo(1, 6)
    })
  })

  test('scale distorts the picture to the requested size', () => {
    holds((video, requested) => {
      expect(thumbnailGeometry(video, { ...requested, fit: 'scale' })).toEqual({
        ...requested,
        picture: { x: 0, y: 0, ...requested },
      })
    })
  })

  test('clip has the largest size within the requested one in the aspect ratio of the video', () => {
    holds((video, requested) => {
      const factor = Math.min(requested.width / video.width, requested.height / video.height)
      const expected = {
        width: Math.max(1, Math.round(video.width * factor)),
        height: Math.max(1, Math.round(video.height * factor)),
      }
      expect(expected.width).toBeLessThanOrEqual(requested.width)
      expect(expected.height).toBeLessThanOrEqual(requested.height)
      expect(thumbnailGeometry(video, { ...requested, fit: 'clip' })).toEqual({
        ...expected,
        picture: { x: 0, y: 0, ...expected },
      })
    })
  })

  const fits = fc.constantFrom(...THUMBNAIL_FITS)
  test.each([
    ['width', 'height'],
    ['height', 'width'],
  ] as const)('with %s only, %s follows from the aspect ratio', (given, other) => {
    fc.assert(
      fc.property(size, pixels, fits, (video, length, fit) => {
        const requested = { width: null, height: null, [given]: length, fit }
        const { picture, ...thumbnail } = thumbnailGeometry(video, requested)
        expect(thumbnail[given]).toBe(length)
        const exact = (length * video[other]) / video[given]
        expect(Math.abs(thumbnail[other] - Math.max(1, exact))).toBeLessThanOrEqual(0.5 + 1e-6)
        expect(picture).toEqual({ x: 0, y: 0, ...thumbnail })
      }),
    )
  })

  test('without width and height, the thumbnail has the size of the video', () => {
    fc.assert(
      fc.property(size, fits, (video, fit) => {
        expect(thumbnailGeometry(video, { width: null, height: null, fit })).toEqual({
          ...video,
          picture: { x: 0, y: 0, ...video },
        })
      }),
    )
  })
})

async function start(params: Readonly<Record<string, unknown>> = {}) {
  const emulator = await startTestEmulator({ encodeMs: 0 })
  const stream = createStreamClient(emulator)
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60, ...params })
  await stream.sendFile(uploadURL, testcardFile())
  const get = async (path: string) => {
    const response = await fetch(`${emulator.url}/${uid}/thumbnails/${path}`)
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  return { emulator, stream, uid, get }
}

const sizeIn = (svg: string) => /^<svg .*? width="(\d+)" height="(\d+)"/.exec(svg)?.slice(1)

describe.each(['thumbnail.jpg', 'thumbnail.gif'])('%s', (name) => {
  test.each([
    ['', '640', '360', 'x="0" y="0" width="640" height="360"'],
    ['?height=270', '480', '270', 'x="0" y="0" width="480" height="270"'],
    ['?width=320', '320', '180', 'x="0" y="0" width="320" height="180"'],
    ['?width=360&height=360', '360', '360', 'x="-140" y="0" width="640" height="360"'],
    ['?width=360&height=360&fit=crop', '360', '360', 'x="-140" y="0" width="640" height="360"'],
    ['?width=320&height=320&fit=clip', '320', '180', 'x="0" y="0" width="320" height="180"'],
    ['?width=320&height=320&fit=scale', '320', '320', 'x="0" y="0" width="320" height="320"'],
    ['?width=320&height=320&fit=fill', '320', '320', 'x="0" y="70" width="320" height="180"'],
    ['?width=&height=&fit=&time=&other=1', '640', '360', 'x="0" y="0" width="640" height="360"'],
  ])('%s has %s × %s pixels', async (query, width, height, picture) => {
    const { get } = await start()
    const { status, headers, text } = await get(`${name}${query}`)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('image/svg+xml')
    expect(sizeIn(text)).toEqual([width, height])
    expect(text).toContain(`<svg ${picture} `)
  })

  // The test card has 6 seconds.
  test.each([
    ['', 0],
    ['?time=2s', 2],
    ['?time=1.5s', 1.5],
    ['?time=3', 3],
    ['?time=0m2s', 2],
    ['?time=8m', 6],
    ['?time=1h', 6],
  ])('%s shows the picture at %d s', async (query, seconds) => {
    const { get } = await start()
    expect((await get(`${name}${query}`)).text).toContain(`${seconds.toFixed(1)} of 6.0 s`)
  })

  test('shows the picture at thumbnailTimestampPct without a time', async () => {
    const { get } = await start({ thumbnailTimestampPct: 0.5 })
    expect((await get(name)).text).toContain('3.0 of 6.0 s')
    expect((await get(`${name}?time=0s`)).text).toContain('0.0 of 6.0 s')
  })

  test.each([
    'width=0',
    'width=-1',
    'width=1.5',
    'width=4097',
    'width=1e3',
    'height=0x10',
    'height=99999999999999999999',
    'fit=cover',
    'fit=__proto__',
    'time=-1s',
    'time=soon',
    'time=s5',
    `time=${'9'.repeat(400)}s`,
    'time=NaN',
  ])('rejects ?%s with 400', async (query) => {
    const { get } = await start()
    const { status, text } = await get(`${name}?${query}`)
    expect(status).toBe(400)
    expect(text).toMatch(/^(?:width|height|fit|time) must be .*\.\n$/)
  })

  test('of a private video needs a token, and exists before the video is ready', async () => {
    const { get, emulator, stream } = await start({ requireSignedURLs: true })
    expect((await get(name)).status).toBe(401)
    const { uid } = await stream.mintBasic({ maxDurationSeconds: 60 })
    const pending = await fetch(`${emulator.url}/${uid}/thumbnails/${name}?time=2s`)
    expect(pending.status).toBe(200)
    expect(await pending.text()).toContain('no picture yet')
  })
})

/** The attributes of the animation in an SVG. */
const animation = (svg: string) =>
  /<animate attributeName="width" values="(.*?)" keyTimes="(.*?)" dur="(.*?)"/.exec(svg)?.slice(1)

describe('an animated thumbnail', () => {
  // The test card has 6 seconds.
  test.each([
    ['', '0.00%;83.33%;83.33%', '0;1.0000;1', '5s'],
    ['?time=1s&height=200&duration=4s', '16.67%;83.33%;83.33%', '0;1.0000;1', '4s'],
    ['?duration=0.5s&fps=30', '0.00%;8.33%;8.33%', '0;1.0000;1', '0.5s'],
    ['?time=3s&duration=6s&fps=1', '50.00%;100.00%;100.00%', '0;0.5000;1', '6s'],
    ['?time=6s', '100.00%;100.00%;100.00%', '0;0.0000;1', '5s'],
    ['?duration=1m&fps=30', '0.00%;100.00%;100.00%', '0;0.1000;1', '60s'],
  ])('%s moves to the end of its part, or of the video', async (query, ...expected) => {
    const { get } = await start()
    expect(animation((await get(`thumbnail.gif${query}`)).text)).toEqual(expected)
  })

  test('has no more bytes if it has more pictures', async () => {
    const { get } = await start()
    const long = await get('thumbnail.gif?duration=60s&fps=30')
    expect(long.text.length).toBeLessThan(1500)
  })

  test('does not move before the file is read', async () => {
    const { emulator, stream } = await start()
    const { uid } = await stream.mintBasic({ maxDurationSeconds: 60 })
    const response = await fetch(`${emulator.url}/${uid}/thumbnails/thumbnail.gif`)
    expect(animation(await response.text())).toEqual(['0.00%;0.00%;0.00%', '0;0.0000;1', '5s'])
  })

  test('is a still picture if it has one', async () => {
    const { get } = await start()
    expect((await get('thumbnail.gif?duration=0.1s&fps=1')).text).not.toContain('<animate')
    expect((await get('thumbnail.jpg?duration=4s&fps=8')).text).not.toContain('<animate')
  })

  test.each(['duration=0s', 'duration=61s', 'duration=-1s', 'fps=0', 'fps=31', 'fps=1.5'])(
    'rejects ?%s with 400',
    async (query) => {
      const { get } = await start()
      const { status, text } = await get(`thumbnail.gif?${query}`)
      expect(status).toBe(400)
      expect(text).toMatch(/^(?:duration|fps) must be /)
    },
  )
})
