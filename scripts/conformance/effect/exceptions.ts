/** Which of Effect's tests cannot pass here: they ask for objects of Node's by name. */
import type { Exception } from "./comparison.ts"

const handlerOfNode =
  "asks NodeHttpServer.makeHandler for a function of Node's, and calls it with objects made up for that"

export const exceptions: ReadonlyArray<Exception> = [
  {
    name: "NodeHttpServer.test.ts > HttpServer > completes a HEAD response once when close precedes the end callback",
    reason: handlerOfNode
  },
  {
    name: "NodeHttpServer.test.ts > HttpServer > coalesces streaming chunks from the same pull",
    reason: handlerOfNode
  },
  {
    name: "NodeHttpServer.test.ts > HttpServer > waits for drain after a streaming write applies backpressure",
    reason: handlerOfNode
  },
  {
    name: "NodeHttpServer.test.ts > HttpServer > disposes after a client aborts a handler awaiting an upstream request",
    reason: "waits until the http.Server that it has given to NodeHttpServer.layer listens"
  }
]
