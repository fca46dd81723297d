/** Effect's platform for HTTP programs on Node, with files sent in the way of this server. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpPlatform from "@effect/platform-node/NodeHttpPlatform"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { FileContent } from "@pagi/core/httpEffect/RawContent"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as Etag from "effect/http/Etag"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpPlatform from "effect/http/HttpPlatform"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { createReadStream } from "node:fs"
import { resolve } from "node:path"
import { Readable } from "node:stream"

type Response = HttpServerResponse.HttpServerResponse

const withContent = (response: Response, content: unknown, contentLength: number): Response => {
  const contentType = response.headers["content-type"]
  return HttpServerResponse.setBody(response, HttpBody.raw(content, { contentType, contentLength }))
}

const withFile = (response: Response, path: string, offset: number): Response => {
  const length = Number(response.headers["content-length"])
  return withContent(response, new FileContent({ file: resolve(path), offset, length }), length)
}

/** The bytes from `offset` on; the file is opened when the first of them are asked for. */
async function* read(file: string, offset: number, length: number): AsyncGenerator<Buffer> {
  if (length > 0) yield* createReadStream(file, { start: offset, end: offset + length - 1 })
}

/** As a stream of Node's, which is what compresses. */
const withStream = (response: Response): Response => {
  const { body } = response
  if (body._tag !== "Raw" || !(body.body instanceof FileContent)) return response
  const { file, length, offset } = body.body.part
  if (typeof file !== "string" || length === undefined) return response
  const stream = Readable.from(read(file, offset, length), { objectMode: false })
  return withContent(response, stream, length)
}

const make = Effect.map(NodeHttpPlatform.make, (node) =>
  HttpPlatform.HttpPlatform.of({
    ...node,
    compression: {
      algorithms: node.compression.algorithms,
      compressResponse: (response, algorithm, options) =>
        node.compression.compressResponse(withStream(response), algorithm, options)
    },
    fileResponse: (path, options) =>
      Effect.map(node.fileResponse(path, options), (response) => {
        const offset = options?.offset === undefined ? Option.none() : ByteSize.fromInput(options.offset)
        return withFile(response, path, Option.isSome(offset) ? Number(offset.value) : 0)
      })
  })
)

/** What `NodeHttpPlatform.layer` provides. */
const layerPlatform: Layer.Layer<HttpPlatform.HttpPlatform> = Layer.effect(HttpPlatform.HttpPlatform)(make).pipe(
  Layer.provide(NodeFileSystem.layer),
  Layer.provide(Etag.layer)
)

/** What HTTP programs need besides a server; the same as of `NodeHttpServer`, but files go out in the way of this one. */
export const layer: Layer.Layer<NodeServices.NodeServices | HttpPlatform.HttpPlatform | Etag.Generator> =
  /* @__PURE__ */ Layer.mergeAll(layerPlatform, Etag.layerWeak, NodeServices.layer)
