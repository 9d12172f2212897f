/** How much one basic URL takes, whichever way it was minted. */

/**
 * A one-time POST takes 200 MB; whatever is larger must use tus. Read as 10^6 bytes, the smaller of
 * the two readings. https://developers.cloudflare.com/stream/uploading-videos/direct-creator-uploads/
 */
export const maxBasicBytes = 200_000_000
