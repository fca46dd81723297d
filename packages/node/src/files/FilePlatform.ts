/** Effect's platform for HTTP programs on Node, with files sent in the way of this server. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpPlatform from "@effect/platform-node/NodeHttpPlatform"
import * as NodeServices from "@effect/platform-node/NodeServices"
import type { FilePart } from "@pagi/core/contract/FileSource"
import { filePart } from "@pagi/core/httpEffect/RawContent"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as Etag from "effect/http/Etag"
import * as HttpPlatform from "effect/http/HttpPlatform"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { resolve } from "node:path"
import { Readable } from "node:stream"

type Response = HttpServerResponse.HttpServerResponse

/** The stream opens the file when somebody else reads it: middleware, or another server than this. */
const withFile = (response: Response, path: string, offset: number): Response => {
  const { body, headers } = response
  if (body._tag !== "Raw" || !(body.body instanceof Readable)) return response
  const part: FilePart = { file: resolve(path), offset, length: Number(headers["content-length"]) }
  Object.assign(body.body, { [filePart]: part })
  return response
}

const make = Effect.map(NodeHttpPlatform.make, (node) =>
  HttpPlatform.HttpPlatform.of({
    ...node,
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
