import * as Effect from "effect/Effect"
import * as http from "node:http"
import * as http2 from "node:http2"

/** A request of a test. */
export interface Asked {
  readonly path: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A whole response. */
export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly body: Buffer
  readonly text: string
}

const answered = (status: number, headers: object, pieces: ReadonlyArray<Buffer>): Answered => {
  const body = Buffer.concat(pieces)
  // Of HTTP/2 there is a symbol among them.
  return { status, headers: Object.fromEntries(Object.entries(headers)), body, text: body.toString() }
}

/** Asks by HTTP/1.1 on a connection of its own; nothing is decoded, and no field is added but Host. */
export const ask = (port: number, { headers = {}, method = "GET", path }: Asked): Effect.Effect<Answered, Error> =>
  Effect.callback((resume) => {
    const request = http.request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
      const pieces: Array<Buffer> = []
      response.on("data", (piece: Buffer) => pieces.push(piece))
      response.on("error", (error) => resume(Effect.fail(error)))
      response.on("end", () => resume(Effect.succeed(answered(response.statusCode ?? 0, response.headers, pieces))))
    })
    request.on("error", (error) => resume(Effect.fail(error)))
    request.end()
    return Effect.sync(() => request.destroy())
  })

/** Asks by HTTP/2, by prior knowledge. */
export const askHttp2 = (port: number, { headers = {}, method = "GET", path }: Asked): Effect.Effect<Answered, Error> =>
  Effect.callback((resume) => {
    const session = http2.connect(`http://127.0.0.1:${port}`)
    session.on("error", (error) => resume(Effect.fail(error)))
    const stream = session.request({ ":path": path, ":method": method, ...headers })
    const pieces: Array<Buffer> = []
    let head: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {}
    stream.on("response", (fields) => {
      head = fields
    })
    stream.on("data", (piece: Buffer) => pieces.push(piece))
    stream.on("error", (error) => resume(Effect.fail(error)))
    stream.on("end", () => {
      session.close()
      resume(Effect.succeed(answered(Number(head[":status"]), head, pieces)))
    })
    stream.end()
    return Effect.sync(() => session.destroy())
  })
