import type { HeaderBlock } from "../http/HeaderBlock.ts"

/** What the application is told of a response that cannot be made good, and was therefore broken off. */
export const brokenOff = (problem: string): string => `${problem}; the response was broken off`

/**
 * What an exchange tells the protocol to send. A driver implements it once for its protocol; the exchange tables call it
 * in a valid order only. Each call answers `undefined`, or why the protocol cannot carry it; then nothing was written.
 */
export interface ResponseSink {
  informational(status: number, headers: HeaderBlock): string | undefined
  start(status: number, headers: HeaderBlock, trailers: boolean): string | undefined
  /** Takes the start back, unless something of the response was written; answers whether it did. */
  withdraw(): boolean
  /**
   * The rest of the body has this many bytes, which will follow in pieces; `ends` says whether the response ends with
   * them. When nothing of the body was sent before, the client learns its length.
   */
  announceBody(length: number, ends: boolean): string | undefined
  /** Whether the response has a body that the client gets; only known when its head is on its way. */
  readonly carriesBody: boolean
  /** A piece of the body; `ends` says whether the response ends with it. Text is encoded as UTF-8. */
  body(data: string | Uint8Array, ends: boolean): string | undefined
  /** Ends the response with the trailers that its start announced. */
  trailers(headers: HeaderBlock): string | undefined
  /** Sends what the server still holds back. */
  flush(): undefined
}
