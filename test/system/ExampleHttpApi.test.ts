import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import type { BadRequestProblem } from "effect/http-api/HttpApiError"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import type { OpenAPISpec } from "effect/http-api/OpenApi"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Api, Book, BookNotFound, Librarian, Unauthorized } from "../../examples/11-http-api/Api.ts"
import { httpClient, versions } from "../support/EffectHttpClients.ts"
import { browser, hasBrowser } from "./support/Browser.ts"
import { run, serveFile } from "./support/Programs.ts"

const serve = serveFile("examples/11-http-api/app.ts")

const withToken = (token: string) =>
  HttpApiMiddleware.layerClient(Librarian, ({ next, request }) => next(HttpClientRequest.bearerToken(request, token)))

const left = new Book({ id: 1, title: "The Left Hand of Darkness", year: 1969 })
const dispossessed = new Book({ id: 2, title: "The Dispossessed", year: 1974 })
const solaris = new Book({ id: 3, title: "Solaris", year: 1961 })

it.live("the client uses every endpoint", () =>
  Effect.gen(function* () {
    const server = yield* serve
    const { code, output } = yield* run(process.execPath, ["examples/11-http-api/client.ts", server.url("")])
    assert.deepStrictEqual(
      [code, ...output.trimEnd().split("\n")],
      [
        0,
        "Solaris is book 3",
        '2 have "the" in their title',
        "Solaris is there",
        "- The Left Hand of Darkness, 1969",
        "- The Dispossessed, 1974",
        "- Solaris, 1961",
        "there is no book 3; GET /books lists all that there are"
      ]
    )
    yield* server.signal("SIGTERM")
    assert.deepStrictEqual(yield* server.result, { code: 0, signal: null }, server.output())
    assert.notInclude(server.output(), "ERROR")
  })
)

describe.each(versions)("over HTTP/%s", (version) => {
  it.live("clients are told what there is, and fail as the API says", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const connection = yield* Layer.build(httpClient(version, server.url("")))
      const client = (token: string) =>
        HttpApiClient.make(Api, { baseUrl: server.url("") }).pipe(
          Effect.provide(withToken(token)),
          Effect.provideContext(connection)
        )
      const { books } = yield* client("open-sesame")
      assert.deepStrictEqual(yield* books.list({ query: {} }), [left, dispossessed])
      assert.deepStrictEqual(yield* books.list({ query: { title: "hand" } }), [left])
      assert.deepStrictEqual(yield* books.add({ payload: { title: "Solaris", year: 1961 } }), solaris)
      assert.deepStrictEqual(yield* books.find({ params: { id: 3 } }), solaris)
      assert.deepStrictEqual(yield* Stream.runCollect(yield* books.export()), [left, dispossessed, solaris])
      yield* books.remove({ params: { id: 1 } })
      const absent = yield* Effect.flip(books.find({ params: { id: 1 } }))
      assert.deepStrictEqual(absent, new BookNotFound({ id: 1 }))
      const stranger = yield* client("knock-knock")
      const refused = yield* Effect.flip(stranger.books.remove({ params: { id: 2 } }))
      assert.instanceOf(refused, Unauthorized)
      assert.deepStrictEqual(yield* books.list({ query: {} }), [dispossessed, solaris])
    })
  )
})

it.live("a request that is not as the API says is answered with what is wrong in it", () =>
  Effect.gen(function* () {
    const server = yield* serve
    const response = yield* Effect.promise(() => fetch(server.url("/books/first")))
    assert.strictEqual(response.status, 400)
    assert.strictEqual(response.headers.get("content-type"), "application/problem+json")
    const problem: BadRequestProblem = JSON.parse(yield* Effect.promise(() => response.text()))
    assert.deepStrictEqual(problem.errors, [
      { path: ["params", "id"], message: "Expected a string representing a finite number" }
    ])
  })
)

it.live("the OpenAPI document has the endpoints, their errors and who may use them", () =>
  Effect.gen(function* () {
    const server = yield* serve
    const response = yield* Effect.promise(() => fetch(server.url("/openapi.json")))
    const { info, paths }: OpenAPISpec = JSON.parse(yield* Effect.promise(() => response.text()))
    assert.strictEqual(info.title, "A library")
    assert.deepStrictEqual(Object.keys(paths).toSorted(), ["/books", "/books/export", "/books/{id}"])
    assert.deepStrictEqual(Object.keys(paths["/books/{id}"]?.get?.responses ?? {}), ["200", "400", "404", "500"])
    assert.deepStrictEqual(paths["/books"]?.get?.security, [])
    assert.deepStrictEqual(paths["/books"]?.post?.security, [{ token: [] }])
  })
)

describe.skipIf(!hasBrowser)("in Chromium", () => {
  it.live("the page with the documentation needs nothing from elsewhere", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const chromium = yield* browser
      yield* Effect.promise(async () => {
        const page = await chromium.newPage()
        page.setDefaultTimeout(15_000)
        const elsewhere: Array<string> = []
        page.on("request", (request) => {
          const url = new URL(request.url())
          if (url.protocol.startsWith("http") && url.origin !== server.url("")) elsewhere.push(url.href)
        })
        await page.goto(server.url("/docs"), { waitUntil: "networkidle" })
        await page.getByRole("heading", { name: "A library" }).waitFor()
        await page.getByRole("heading", { name: "Adds a book" }).waitFor()
        assert.deepStrictEqual(elsewhere, [])
      })
    })
  )
})
