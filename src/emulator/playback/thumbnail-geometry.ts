/**
 * Size of a thumbnail, and where the picture is in it.
 * https://developers.cloudflare.com/stream/viewing-videos/displaying-thumbnails/
 */

export const THUMBNAIL_FITS = ['crop', 'clip', 'scale', 'fill'] as const
/**
 * How the picture is fitted when the requested size has another aspect ratio: `crop` cuts it, `clip` makes the
 * thumbnail smaller, `scale` distorts it, `fill` adds a black background.
 */
export type ThumbnailFit = (typeof THUMBNAIL_FITS)[number]

export interface Size {
  readonly width: number
  readonly height: number
}

/** Requested size in pixels; null for a side that follows from the other one and the aspect ratio. */
export interface RequestedSize {
  readonly width: number | null
  readonly height: number | null
  readonly fit: ThumbnailFit
}

/** A thumbnail of whole pixels. The picture may be larger than it; what is outside is cut. */
export interface ThumbnailGeometry extends Size {
  readonly picture: Size & { readonly x: number; readonly y: number }
}

/** Returns the size of the video if no size is requested. */
export function thumbnailGeometry(video: Size, requested: RequestedSize): ThumbnailGeometry {
  const { width, height, fit } = requested
  if (width === null || height === null) return whole(scaledTo(video, width, height))
  const size = { width, height }
  switch (fit) {
    case 'scale':
      return whole(size)
    case 'clip':
      return whole(resize(video, Math.min(width / video.width, height / video.height)))
    case 'fill':
      return centered(size, video, Math.min(width / video.width, height / video.height))
    case 'crop':
      return centered(size, video, Math.max(width / video.width, height / video.height))
  }
}

/** Returns the size with the given side, or the video's own size if both are null. */
function scaledTo(video: Size, width: number | null, height: number | null): Size {
  if (width !== null) return resize(video, width / video.width)
  return height === null ? video : resize(video, height / video.height)
}

function resize({ width, height }: Size, factor: number): Size {
  return { width: width * factor, height: height * factor }
}

/** The picture is the whole thumbnail. */
function whole({ width, height }: Size): ThumbnailGeometry {
  const size = {
    width: Math.max(1, Math.round(width)),
    height: Math.max(1, Math.round(height)),
  }
  return { ...size, picture: { x: 0, y: 0, ...size } }
}

function centered(size: Size, video: Size, factor: number): ThumbnailGeometry {
  const picture = resize(video, factor)
  const x = (size.width - picture.width) / 2
  const y = (size.height - picture.height) / 2
  return { ...size, picture: { x, y, ...picture } }
}
