import { readFileSync } from "node:fs"
import { createSecureServer, createServer, type ServerHttp2Stream } from "node:http2"
import * as Contract from "./support/contract.ts"
import { listenOptions, serverArguments } from "./support/harness.ts"

const answerText = (stream: ServerHttp2Stream, text: string): void => {
  stream.respond({
    ":status": 200,
    "content-type": Contract.contentType,
    "content-length": Buffer.byteLength(text)
  })
  stream.end(text)
}

const answerLength = (stream: ServerHttp2Stream): void => {
  let length = 0
  stream.on("data", (bytes: Buffer) => {
    length += bytes.length
  })
  stream.on("end", () => answerText(stream, String(length)))
}

const answerStream = (stream: ServerHttp2Stream): void => {
  stream.respond({ ":status": 200, "content-type": Contract.contentType })
  let remaining = Contract.pieceCount
  const writeUntilFull = (): void => {
    while (remaining > 0) {
      remaining -= 1
      if (!stream.write(Contract.piece)) {
        stream.once("drain", writeUntilFull)
        return
      }
    }
    stream.end()
  }
  writeUntilFull()
}

const { certificate } = serverArguments()

const server =
  certificate === undefined
    ? createServer()
    : createSecureServer({ cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) })

server.on("stream", (stream, headers) => {
  // Clients that leave in the middle of an answer.
  stream.on("error", () => stream.close())
  switch (headers[":path"]) {
    case Contract.lengthPath:
      return answerLength(stream)
    case Contract.streamPath:
      return answerStream(stream)
    default:
      return answerText(stream, Contract.greeting)
  }
})

server.on("sessionError", () => {})

server.listen(listenOptions())
