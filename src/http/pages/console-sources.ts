/** Hosts that the console uses besides the gateway, as sources of its content security policy. */

const PLAYBACK_HOSTS = ['https://*.cloudflarestream.com', 'https://*.videodelivery.net']
const UPLOAD_HOSTS = ['https://upload.videodelivery.net', ...PLAYBACK_HOSTS]
const CLOUDFLARE_API_ORIGIN = 'https://api.cloudflare.com'

export interface ConsoleSources {
  readonly uploadSources: readonly string[]
  readonly playSources: readonly string[]
}

/** @param apiBaseURL URL of Stream's API; null for Stream's binding, which has none */
export function streamSources(apiBaseURL: string | null): ConsoleSources {
  const origin = apiBaseURL === null ? CLOUDFLARE_API_ORIGIN : new URL(apiBaseURL).origin
  // Another API URL is an emulator, which serves uploads and playback at the same origin.
  const others = origin === CLOUDFLARE_API_ORIGIN ? [] : [origin]
  return {
    uploadSources: [...UPLOAD_HOSTS, ...others],
    playSources: [...PLAYBACK_HOSTS, ...others],
  }
}
