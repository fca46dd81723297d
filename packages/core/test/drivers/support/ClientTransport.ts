import { type ByteString, fromBytes } from "../../../src/bytes/ByteString.ts"
import { MemoryTransport, type MemoryTransportOptions } from "../../../src/testing/MemoryTransport.ts"

export interface ClientTransportOptions extends MemoryTransportOptions {
  /** The most bytes that arrive at once; without limit by default. */
  readonly cut?: number
}

/** A transport in memory whose peer decides how what it sends is cut into pieces. */
export class ClientTransport extends MemoryTransport {
  readonly #cut: number
  #gathered: ByteString | undefined = undefined

  constructor({ cut = Number.POSITIVE_INFINITY, ...options }: ClientTransportOptions = {}) {
    super(options)
    this.#cut = cut
  }

  override push(data: ByteString | Uint8Array): void {
    const text = typeof data === "string" ? data : fromBytes(data, 0, data.length)
    if (this.#gathered !== undefined) this.#gathered += text
    else if (text.length <= this.#cut) super.push(text)
    else for (let at = 0; at < text.length; at += this.#cut) super.push(text.slice(at, at + this.#cut))
  }

  /** What is sent meanwhile arrives in one piece. */
  together<A>(send: () => A): A {
    const [result, text] = this.#gather(send)
    this.push(text)
    return result
  }

  /** Of what is sent meanwhile all but the last byte arrives, and that by the function that is answered. */
  allButTheLast<A>(send: () => A): readonly [result: A, sendLast: () => void] {
    const [result, text] = this.#gather(send)
    this.push(text.slice(0, -1))
    return [result, () => this.push(text.slice(-1))]
  }

  #gather<A>(send: () => A): readonly [result: A, text: ByteString] {
    this.#gathered = ""
    const result = send()
    const text = this.#gathered
    this.#gathered = undefined
    return [result, text]
  }
}
