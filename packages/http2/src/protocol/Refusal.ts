import { NO_ERROR } from "./wire/ErrorCode.ts"
import { writeGoAway } from "./frame/GoAway.ts"
import { writeSettings } from "./frame/Settings.ts"
import { OutputBuffer, OutputPool } from "./wire/OutputBuffer.ts"

/**
 * All that a server says on a connection that it does not serve: no request was or will be looked at, so that the client
 * may repeat them elsewhere (RFC 9113 §6.8).
 */
export const refusal = (message: string): Uint8Array => {
  const out = new OutputBuffer(new OutputPool())
  writeSettings(out, [])
  writeGoAway(out, 0, NO_ERROR, message)
  return out.bytes.slice(0, out.length)
}
