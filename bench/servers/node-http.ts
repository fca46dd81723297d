import { createReadStream, readFileSync, stat } from "node:fs"
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http"
import { createServer as createSecureServer } from "node:https"
import { pipeline } from "node:stream"
import * as Contract from "./support/contract.ts"
import { listenOptions, serverArguments } from "./support/harness.ts"

const answerText = (response: ServerResponse, text: string): void => {
  response.writeHead(200, { "Content-Type": Contract.contentType, "Content-Length": Buffer.byteLength(text) })
  response.end(text)
}

const answerLength = (request: IncomingMessage, response: ServerResponse): void => {
  let length = 0
  request.on("data", (bytes: Buffer) => {
    length += bytes.length
  })
  request.on("end", () => answerText(response, String(length)))
}

const answerStream = (response: ServerResponse, pieceCount: number): void => {
  response.writeHead(200, { "Content-Type": Contract.contentType })
  let remaining = pieceCount
  const writeUntilFull = (): void => {
    while (remaining > 0) {
      remaining -= 1
      if (!response.write(Contract.piece)) {
        response.once("drain", writeUntilFull)
        return
      }
    }
    response.end()
  }
  writeUntilFull()
}

const answerFile = (response: ServerResponse): void => {
  stat(Contract.file, (error, status) => {
    if (error !== null) {
      response.writeHead(500).end()
      return
    }
    response.writeHead(200, { "Content-Type": Contract.contentType, "Content-Length": status.size })
    pipeline(createReadStream(Contract.file), response, () => {})
  })
}

const answer: RequestListener = (request, response) => {
  switch (request.url) {
    case Contract.lengthPath:
      return answerLength(request, response)
    case Contract.streamPath:
      return answerStream(response, Contract.pieceCount)
    case Contract.longStreamPath:
      return answerStream(response, Contract.longPieceCount)
    case Contract.filePath:
      return answerFile(response)
    default:
      return answerText(response, Contract.greeting)
  }
}

const options = { keepAliveTimeout: Contract.keepAliveMilliseconds }
const { certificate } = serverArguments()

const server =
  certificate === undefined
    ? createServer(options, answer)
    : createSecureServer(
        { ...options, cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) },
        answer
      )

server.listen(listenOptions())
