/** Effect's HttpApi: what requests carry, and what they are answered with. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiError from "effect/http-api/HttpApiError"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpBody from "effect/http/HttpBody"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Multipart from "effect/http/Multipart"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type Version, versions } from "../../../../test/support/EffectHttpClients.ts"
import type * as PagiHttpServer from "../../src/PagiHttpServer.ts"
import { withLog } from "../support/HttpPrograms.ts"
import { serveRoutes } from "../support/HttpRoutes.ts"
import { pattern } from "../support/Traffic.ts"
import { until } from "../support/Until.ts"

const { get, post } = HttpApiEndpoint

class Teapot extends Schema.TaggedError<Teapot>()("Teapot", { size: Schema.Int }, { httpApiStatus: 418 }) {}

class Plain extends Schema.TaggedError<Plain>()("Plain", {}) {}

const Asked = Schema.Struct({ id: Schema.Int, words: Schema.Array(Schema.String), page: Schema.Int })

class Requests extends HttpApiGroup.make("requests").add(
  get("all", "/asked/:id", {
    params: { id: Schema.Int },
    query: { words: Schema.Array(Schema.String) },
    headers: { "x-page": Schema.Int },
    success: Asked
  }),
  get("search", "/search", {
    payload: { count: Schema.Int, name: Schema.optionalKey(Schema.String) },
    success: Schema.String
  }),
  post("any", "/any", {
    payload: [
      Schema.Struct({ json: Schema.String }),
      Schema.Struct({ form: Schema.String }).pipe(HttpApiSchema.asFormUrlEncoded()),
      Schema.Struct({ multipart: Schema.String }).pipe(HttpApiSchema.asMultipart()),
      Schema.String.pipe(HttpApiSchema.asText()),
      Schema.Uint8Array.pipe(HttpApiSchema.asUint8Array())
    ],
    success: Schema.String.pipe(HttpApiSchema.asText())
  }),
  post("upload", "/upload", {
    payload: Schema.Struct({ name: Schema.String, file: Multipart.SingleFileSchema }).pipe(HttpApiSchema.asMultipart()),
    success: Schema.Uint8Array.pipe(HttpApiSchema.asUint8Array())
  }),
  post("parts", "/parts", {
    payload: Schema.Struct({ file: Multipart.SingleFileSchema }).pipe(HttpApiSchema.asMultipartStream()),
    success: Schema.Array(Schema.String)
  }),
  post("limited", "/limited", {
    payload: Schema.Struct({ file: Multipart.SingleFileSchema }).pipe(HttpApiSchema.asMultipart({ maxFileSize: 1000 })),
    success: Schema.Int
  }),
  post("sum", "/sum", {
    payload: HttpApiSchema.StreamNdjson({ schema: Schema.Int }),
    success: Schema.Int
  }),
  post("small", "/small", {
    payload: HttpApiSchema.StreamUint8Array({ maxBytes: 1000 }),
    success: Schema.Int
  }),
  post("raw", "/raw/:id", { params: { id: Schema.Int }, payload: Schema.Struct({ a: Schema.Int }), success: Asked })
) {}

class Responses extends HttpApiGroup.make("responses").add(
  get("nothing", "/nothing", { success: HttpApiSchema.NoContent }),
  post("created", "/created", { success: Schema.String.pipe(HttpApiSchema.status("Created")) }),
  get("scim", "/scim", { success: Schema.String.pipe(HttpApiSchema.asJson({ contentType: "application/scim+json" })) }),
  get("fields", "/fields", { success: HttpApiSchema.WithHeaders(Schema.String, { "x-total": Schema.Int }) }),
  get("own", "/own", { success: Schema.String }),
  get("fails", "/fails/:how", {
    params: { how: Schema.Literals(["teapot", "plain", "text", "empty", "defect"]) },
    error: [
      Teapot,
      Plain,
      Schema.String.pipe(HttpApiSchema.status("TooManyRequests"), HttpApiSchema.asText()),
      HttpApiSchema.Empty(409)
    ]
  }),
  get("forbidden", "/forbidden", { error: HttpApiError.ForbiddenNoContent })
) {}

class Api extends HttpApi.make("api").add(Requests).add(Responses) {}

/** What clients give as the payload of a form. */
const formOf = (entries: Readonly<Record<string, string | Blob>>): FormData => {
  const form = new FormData()
  for (const [name, value] of Object.entries(entries)) form.append(name, value)
  return form
}

const requests = HttpApiBuilder.group(
  Api,
  "requests",
  Effect.fnUntraced(function* (handlers) {
    const files = yield* FileSystem.FileSystem
    return handlers
      .handleAll({
        all: ({ headers, params, query }) =>
          Effect.succeed({ id: params.id, words: query.words, page: headers["x-page"] }),
        search: ({ payload }) => Effect.succeed(`${payload.count} ${payload.name}`),
        any: ({ payload }) =>
          Effect.succeed(payload instanceof Uint8Array ? `bytes ${payload.length}` : JSON.stringify(payload)),
        upload: ({ payload: { file } }) => Effect.orDie(files.readFile(file.path)),
        limited: ({ payload: { file } }) => Effect.map(Effect.orDie(files.stat(file.path)), ({ size }) => Number(size)),
        parts: ({ payload }) =>
          payload.pipe(
            Stream.mapEffect((part) =>
              part._tag === "Field"
                ? Effect.succeed(`${part.key}=${part.value}`)
                : Effect.map(part.contentEffect, ({ length }) => `${part.key}:${part.contentType}:${length}`)
            ),
            Stream.runCollect,
            Effect.orDie
          ),
        sum: ({ payload }) =>
          Stream.runFold(
            payload,
            () => 0,
            (sum, value) => sum + value
          ),
        small: ({ payload }) =>
          Stream.runFold(
            payload,
            () => 0,
            (sum, { length }) => sum + length
          )
      })
      .handleRaw("raw", ({ params, request }) =>
        Effect.map(Effect.orDie(request.text), (text) => ({ id: params.id, words: [text], page: text.length }))
      )
  })
)

const failures = {
  teapot: Effect.fail(new Teapot({ size: 2 })),
  plain: Effect.fail(new Plain()),
  text: Effect.fail("slowly"),
  empty: Effect.fail(undefined),
  defect: Effect.die(new Error("broken"))
}

const responses = HttpApiBuilder.group(Api, "responses", (handlers) =>
  handlers.handleAll({
    nothing: () => Effect.void,
    created: () => Effect.succeed("new"),
    scim: () => Effect.succeed("scim"),
    fields: () => Effect.succeed(HttpApiSchema.withHeaders({ body: "page", headers: { "x-total": 7 } })),
    own: () => Effect.succeed(HttpServerResponse.jsonUnsafe("own", { status: 203, headers: { "x-own": "yes" } })),
    fails: ({ params: { how } }) => failures[how],
    forbidden: () => Effect.fail(new HttpApiError.Forbidden())
  })
)

const routes = HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }).pipe(Layer.provide([requests, responses]))

/** The API's own client, and the one that it asks with. */
const serve = (version: Version, options?: PagiHttpServer.Options) =>
  Effect.gen(function* () {
    const { client: httpClient } = yield* serveRoutes(version, routes, options)
    return { httpClient, client: yield* HttpApiClient.makeWith(Api, { httpClient }) }
  })

const statusAndText = (client: HttpClient.HttpClient, request: HttpClientRequest.HttpClientRequest) =>
  Effect.flatMap(client.execute(request), ({ status, text }) => Effect.map(text, (text) => [status, text]))

describe.each(versions)("HTTP/%s", (version) => {
  it.live("parameters of the path, of the query and header fields are decoded", () =>
    Effect.gen(function* () {
      const { client, httpClient } = yield* serve(version)
      const query = { words: ["ä b", "c"] }
      const asked = yield* client.requests.all({ params: { id: 3 }, query, headers: { "x-page": 2 } })
      assert.deepStrictEqual(asked, { id: 3, words: ["ä b", "c"], page: 2 })
      assert.strictEqual(yield* client.requests.search({ payload: { count: 1 } }), "1 undefined")
      assert.strictEqual(yield* client.requests.search({ payload: { count: 1, name: "a&b" } }), "1 a&b")
      // One word is a list as well. What is missing or is not as it should be is the client's fault.
      const fields = { "x-page": "2" }
      const one = HttpClientRequest.get("/asked/3?words=one", { headers: fields })
      assert.deepStrictEqual(yield* statusAndText(httpClient, one), [200, `{"id":3,"words":["one"],"page":2}`])
      for (const [path, headers] of [
        ["/asked/x?words=one", fields],
        ["/asked/3", fields],
        ["/asked/3?words=one", {}],
        ["/search?count=1.5", {}],
        ["/search", {}]
      ] as const) {
        assert.deepStrictEqual(yield* statusAndText(httpClient, HttpClientRequest.get(path, { headers })), [400, ""])
      }
    })
  )

  it.live("payloads come in each of the encodings that an endpoint takes", () =>
    Effect.gen(function* () {
      const { client, httpClient } = yield* serve(version)
      const { any } = client.requests
      assert.strictEqual(yield* any({ payload: { json: "ä" } }), `{"json":"ä"}`)
      assert.strictEqual(yield* any({ payload: { form: "a&b=ä" } }), `{"form":"a&b=ä"}`)
      assert.strictEqual(yield* any({ payload: formOf({ multipart: "ä" }) }), `{"multipart":"ä"}`)
      assert.strictEqual(yield* any({ payload: "text" }), `"text"`)
      assert.strictEqual(yield* any({ payload: pattern(100_000) }), "bytes 100000")
      const withBody = (text: string, contentType: string) =>
        statusAndText(httpClient, HttpClientRequest.post("/any", { body: HttpBody.text(text, contentType) }))
      assert.deepStrictEqual(yield* withBody(`{"json":1}`, "application/json"), [400, ""])
      assert.deepStrictEqual(yield* withBody(`{"json"`, "application/json"), [400, ""])
      assert.deepStrictEqual(yield* withBody("<a/>", "text/xml"), [415, "Unsupported content-type: text/xml"])
      assert.deepStrictEqual(yield* statusAndText(httpClient, HttpClientRequest.post("/any")), [400, ""])
    })
  )

  it.live("forms with files are taken from the disk, or part by part", () =>
    Effect.gen(function* () {
      const { client } = yield* serve(version)
      const file = new File([pattern(200_000)], "picture.png", { type: "image/png" })
      const content = yield* client.requests.upload({ payload: formOf({ name: "Ann", file }) })
      assert.isTrue(Buffer.from(content).equals(pattern(200_000)))
      const parts = yield* client.requests.parts({ payload: formOf({ name: "Ann", file }) })
      assert.deepStrictEqual(parts, ["name=Ann", "file:image/png:200000"])
      const refused = yield* Effect.flip(client.requests.upload({ payload: formOf({ name: "Ann" }) }))
      assert.isTrue(refused._tag === "HttpClientError" && refused.response?.status === 400)
    })
  )

  it.live("streams of payloads are read as they come, as far as they may go", () =>
    Effect.gen(function* () {
      const { client, httpClient } = yield* serve(version)
      assert.strictEqual(yield* client.requests.sum({ payload: Stream.range(1, 10_000) }), 50_005_000)
      const lines = HttpClientRequest.post("/sum", { body: HttpBody.text("1\nx\n", "application/x-ndjson") })
      assert.strictEqual((yield* statusAndText(httpClient, lines))[0], 400)
      const pieces = (count: number) => Stream.map(Stream.range(1, count), () => pattern(100))
      assert.strictEqual(yield* client.requests.small({ payload: pieces(10) }), 1000)
      const whole = HttpClientRequest.post("/small", { body: HttpBody.uint8Array(pattern(1001)) })
      for (const request of [whole, HttpClientRequest.bodyStream(HttpClientRequest.post("/small"), pieces(11))]) {
        assert.deepStrictEqual(yield* statusAndText(httpClient, request), [413, ""])
        assert.strictEqual(yield* client.requests.small({ payload: pieces(1) }), 100)
      }
    })
  )

  it.live("payloads beyond a limit of the server, or of a form, are refused", () =>
    Effect.gen(function* () {
      const { client, httpClient } = yield* serve(version, { maxBodySize: 100_000 })
      for (const body of [HttpBody.jsonUnsafe({ json: "a".repeat(100_000) }), HttpBody.uint8Array(pattern(100_001))]) {
        const answer = yield* statusAndText(httpClient, HttpClientRequest.post("/any", { body }))
        assert.deepStrictEqual(answer, [413, "The request body is too large\n"])
      }
      const small = formOf({ file: new File([pattern(100)], "a") })
      assert.strictEqual(yield* client.requests.limited({ payload: small }), 100)
      const large = HttpBody.formData(formOf({ file: new File([pattern(2000)], "a") }))
      const [status] = yield* statusAndText(httpClient, HttpClientRequest.post("/limited", { body: large }))
      assert.strictEqual(status, 413)
    })
  )

  it.live("a handler may read the content of its request itself", () =>
    Effect.gen(function* () {
      const { client } = yield* serve(version)
      const answer = yield* client.requests.raw({ params: { id: 5 }, payload: { a: 1 } })
      assert.deepStrictEqual(answer, { id: 5, words: [`{"a":1}`], page: 7 })
    })
  )

  it.live("responses have the statuses, fields and types of content that the API says", () =>
    Effect.gen(function* () {
      const { client, httpClient } = yield* serve(version)
      const { created, fields, nothing, own, scim } = client.responses
      assert.isUndefined(yield* nothing())
      const [, none] = yield* nothing({ responseMode: "decoded-and-response" })
      assert.deepStrictEqual([none.status, none.headers["content-type"]], [204, undefined])
      const [value, { headers, status }] = yield* created({ responseMode: "decoded-and-response" })
      assert.deepStrictEqual([value, status, headers["content-length"]], ["new", 201, "5"])
      const [text, typed] = yield* scim({ responseMode: "decoded-and-response" })
      assert.deepStrictEqual([text, typed.headers["content-type"]], ["scim", "application/scim+json"])
      const page = yield* fields()
      assert.deepStrictEqual([page.body, page.headers], ["page", { "x-total": 7 }])
      const response = yield* own({ responseMode: "response-only" })
      assert.deepStrictEqual([response.status, response.headers["x-own"]], [203, "yes"])
      const head = yield* httpClient.head("/fields")
      assert.deepStrictEqual([head.status, head.headers["x-total"], yield* head.text], [200, "7", ""])
    })
  )

  it.live("errors have their statuses and come to the client as they were; only defects are logged", () =>
    withLog(
      Effect.fnUntraced(function* (messages) {
        const { client, httpClient } = yield* serve(version)
        const fails = (how: keyof typeof failures) => Effect.flip(client.responses.fails({ params: { how } }))
        assert.deepStrictEqual(yield* fails("teapot"), new Teapot({ size: 2 }))
        assert.deepStrictEqual(yield* fails("plain"), new Plain())
        assert.strictEqual(yield* fails("text"), "slowly")
        assert.isUndefined(yield* fails("empty"))
        assert.deepStrictEqual(yield* Effect.flip(client.responses.forbidden()), new HttpApiError.Forbidden())
        const answers: Array<unknown> = []
        for (const path of [...Object.keys(failures).map((how) => `/fails/${how}`), "/forbidden"]) {
          answers.push(...(yield* statusAndText(httpClient, HttpClientRequest.get(path))))
        }
        assert.deepStrictEqual(answers, [
          418,
          `{"_tag":"Teapot","size":2}`,
          500,
          `{"_tag":"Plain"}`,
          429,
          "slowly",
          409,
          "",
          500,
          "",
          403,
          ""
        ])
        yield* until("the defect is logged", () => messages.length > 0)
        assert.strictEqual(messages.length, 1)
        assert.match(messages[0] ?? "", /broken/)
      })
    )
  )

  it.live("the document of the API is served beside it", () =>
    Effect.gen(function* () {
      const { httpClient } = yield* serve(version)
      const response = yield* httpClient.get("/openapi.json")
      assert.strictEqual(response.headers["content-type"], "application/json")
      const { paths } = yield* Effect.flatMap(
        response.json,
        Schema.decodeUnknownEffect(Schema.Struct({ paths: Schema.Record(Schema.String, Schema.Unknown) }))
      )
      assert.includeMembers(Object.keys(paths), ["/asked/{id}", "/fails/{how}"])
    })
  )
})
