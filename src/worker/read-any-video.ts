import { readVideo } from '../stream/video.ts'
export const readAnyVideo = readVideo
