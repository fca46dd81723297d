/** A client of HTTP/1.1 that has several requests on their way. */
import type { Ledger } from "./Ledger.ts"
import { open, type Place, type Wire } from "./Wire.ts"

/** A request, and what is to come of it. */
export interface Kind {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly body?: string
  readonly isEvents?: boolean
}

/** What is asked for, over and over. */
export const kinds: ReadonlyArray<Kind> = [
  { method: "GET", path: "/", status: 200 },
  { method: "POST", path: "/echo", status: 200, body: "something to say ".repeat(20) },
  { method: "GET", path: "/", status: 200 },
  { method: "HEAD", path: "/", status: 200 },
  { method: "GET", path: "/missing", status: 404 },
  { method: "DELETE", path: "/", status: 200 },
  { method: "GET", path: "/", status: 200 },
  { method: "BREW", path: "/", status: 200 },
  { method: "GET", path: "/events", status: 200, isEvents: true },
  { method: "PUT", path: "/echo", status: 200, body: "" },
  { method: "GET", path: "/", status: 200 },
  { method: "GET", path: "/large", status: 200 }
]

const textOf = ({ body, isEvents, method, path }: Kind): string => {
  const length = body === undefined ? "" : `Content-Length: ${body.length}\r\n`
  const accept = isEvents === true ? "Accept: text/event-stream\r\n" : ""
  return `${method} ${path} HTTP/1.1\r\nHost: shop.example\r\n${accept}${length}\r\n${body ?? ""}`
}

/** The methods that have series of their own. */
export const countedMethod = (method: string): string => (method === "BREW" ? "_OTHER" : method)

export interface Response {
  readonly status: number
  readonly head: string
}

/** Takes a response to a request with this method, if all of it has come. */
export const takeResponse =
  (method: string) =>
  (buffer: Buffer): readonly [number, Response] | undefined => {
    const end = buffer.indexOf("\r\n\r\n")
    if (end === -1) return undefined
    const head = buffer.toString("latin1", 0, end).toLowerCase()
    const response = { status: Number(head.slice(9, 12)), head }
    const start = end + 4
    if (method === "HEAD" || response.status === 101) return [start, response]
    const length = /\r\ncontent-length: (\d+)/.exec(head)?.[1]
    if (length !== undefined) {
      const whole = start + Number(length)
      return buffer.length < whole ? undefined : [whole, response]
    }
    const last = buffer.indexOf("\r\n0\r\n\r\n", start)
    return last === -1 ? undefined : [last + 7, response]
  }

/** Requests that are on their way at the same time on a connection. */
export const depth = 4

export interface Http1Load {
  readonly place: Place
  readonly ledger: Ledger
  /** Whether there shall be another request. */
  readonly isWanted: () => boolean
  readonly kinds?: ReadonlyArray<Kind>
  /** Requests of a connection after which its client leaves. */
  readonly perConnection: number
  /** Is told of each response when it has come. */
  readonly onResponse?: (response: Response) => void
}

/** Makes requests, over one connection after the other. */
export const run = async (load: Http1Load): Promise<void> => {
  let number = 0
  const asked = load.kinds ?? kinds
  const nextKind = (): Kind => asked[number++ % asked.length] ?? { method: "GET", path: "/", status: 200 }
  while (load.isWanted()) {
    const wire = await open(load.place, load.ledger, "http/1.1")
    await useConnection(load, wire, nextKind)
    if (!wire.hasEnded) await wire.leave()
    else await wire.closed()
    load.ledger.ended("http/1.1", "client_closed")
  }
}

const useConnection = async (load: Http1Load, wire: Wire, nextKind: () => Kind): Promise<void> => {
  for (let count = 0; count < load.perConnection && load.isWanted(); count += depth) {
    const sent = Array.from({ length: depth }, nextKind)
    const texts = sent.map(textOf)
    wire.send(texts.join(""))
    for (const [index, kind] of sent.entries()) {
      const response = await wire.next(takeResponse(kind.method))
      if (response === undefined) return
      if (response.status !== kind.status) throw new Error(`${kind.method} ${kind.path}: ${response.head}`)
      wire.someWasRead(texts[index]?.length ?? 0)
      load.ledger.request({
        method: countedMethod(kind.method),
        version: "1.1",
        status: kind.status,
        kind: kind.isEvents === true ? "sse" : "http"
      })
      load.ledger.add("shop_answers_total")
      load.onResponse?.(response)
    }
  }
}
