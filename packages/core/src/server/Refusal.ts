/** How the server itself answers a sound request that the application shall not see. */
import { misdirectedMessage } from "../http/ExpectedHost.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"

/** An answer in place of the application's. */
export interface Refusal {
  readonly type: "error"
  readonly status: number
  /** A sentence for people, which becomes the content. */
  readonly message: string
  /** Fields besides those of the content, such as the version of a protocol that is spoken. */
  readonly headers: HeaderBlock
}

export const refusal = (status: number, message: string): Refusal => ({ type: "error", status, message, headers: [] })

/** The connection was made for another host (RFC 9110 §7.4). */
export const misdirected = refusal(421, misdirectedMessage)

/** The request took longer than the option `requestDeadline` allows. */
export const overdue = refusal(504, "The request took too long")
