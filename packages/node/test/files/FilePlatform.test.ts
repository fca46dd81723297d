import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { readFileSync } from "node:fs"
import { relative } from "node:path"
import * as PagiHttpServer from "../../src/PagiHttpServer.ts"

describe("FilePlatform", () => {
  it.live("sends files by relative paths as well", () =>
    Effect.gen(function* () {
      const path = relative(process.cwd(), import.meta.filename)
      yield* HttpServer.serveEffect(HttpServerResponse.file(path))
      const response = yield* HttpClient.get("/")
      assert.strictEqual(response.status, 200)
      assert.strictEqual(yield* response.text, readFileSync(import.meta.filename, "utf8"))
    }).pipe(Effect.scoped, Effect.provide(PagiHttpServer.layerTest))
  )
})
