import { assert, describe, it } from "@effect/vitest"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Multipart from "effect/http/Multipart"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { existsSync, readdirSync } from "node:fs"
import { dirname } from "node:path"
import { type Program, serve, versions, withLog, withRequest } from "../support/HttpPrograms.ts"
import { attempt, type HttpClient } from "../support/HttpSuiteClient.ts"
import { pattern } from "../support/Traffic.ts"
import { until } from "../support/Until.ts"

/** What a browser would send of a form. */
const encode = (form: FormData) =>
  Effect.promise(async () => {
    const request = new Request("http://test", { method: "POST", body: form })
    return {
      contentType: request.headers.get("content-type") ?? "",
      content: new Uint8Array(await request.arrayBuffer())
    }
  })

const submit = (client: HttpClient, form: FormData) =>
  Effect.flatMap(encode(form), ({ content, contentType }) => {
    const pieces = Array.from({ length: Math.ceil(content.length / 1000) }, (_, index) =>
      content.subarray(index * 1000, index * 1000 + 1000)
    )
    // A large form comes in pieces whose ends are not those of its parts.
    const body = content.length > 1000 && content.length < 50_000 ? pieces : content
    return attempt(client, { method: "POST", content: body, headers: { "content-type": contentType } })
  })

const formOf = (entries: Readonly<Record<string, string | File>>): FormData => {
  const form = new FormData()
  for (const [name, value] of Object.entries(entries)) form.append(name, value)
  return form
}

const large = pattern(300_000)

describe.each(versions)("HTTP/$version over $over", (way) => {
  it.live("a form has fields and files, which are on disk until the response is sent", () =>
    Effect.gen(function* () {
      const paths: Array<string> = []
      const program: Program = Effect.gen(function* () {
        const { name, upload } = yield* HttpServerRequest.schemaBodyForm(
          Schema.Struct({ name: Schema.String, upload: Multipart.SingleFileSchema })
        )
        paths.push(upload.path)
        const content = yield* (yield* FileSystem.FileSystem).readFile(upload.path)
        return HttpServerResponse.uint8Array(content, {
          headers: { "x-told": `${name} ${upload.name} ${upload.contentType}` }
        })
      })
      const { client } = yield* serve(way, program)
      const upload = new File([large], "picture.png", { type: "image/png" })
      const { content, headers, status } = yield* submit(client, formOf({ name: "Ann", upload }))
      assert.strictEqual(status, 200)
      assert.strictEqual(headers["x-told"], "Ann picture.png image/png")
      assert.isTrue(content.equals(large))
      yield* until("the file is removed", () => paths.length === 1 && !paths.some((path) => existsSync(path)))
    })
  )

  it.live("a form is read part by part, as it comes", () =>
    Effect.gen(function* () {
      const program: Program = withRequest((request) =>
        Effect.map(
          Stream.runCollect(
            Stream.mapEffect(request.multipartStream, (part) =>
              part._tag === "Field"
                ? Effect.succeed(`${part.key}=${part.value}`)
                : Effect.map(part.contentEffect, ({ length }) => `${part.key}:${part.name}:${length}`)
            )
          ),
          (parts) => HttpServerResponse.text([...parts].join(" "))
        )
      )
      const { client } = yield* serve(way, program)
      const form = formOf({ a: "1", b: new File([large], "b.bin"), c: new File([pattern(5000)], "c.bin"), d: "ü" })
      assert.strictEqual((yield* submit(client, form)).text, "a=1 b:b.bin:300000 c:c.bin:5000 d=ü")
      assert.strictEqual((yield* submit(client, formOf({ d: "x".repeat(5000) }))).text.length, 5002)
    })
  )

  it.live("a form that is asked for twice is read once", () =>
    Effect.gen(function* () {
      const program: Program = withRequest((request) =>
        Effect.gen(function* () {
          const first = yield* request.multipart
          return HttpServerResponse.jsonUnsafe([first, first === (yield* request.modify({ url: "/" }).multipart)])
        })
      )
      const { client } = yield* serve(way, program)
      assert.strictEqual((yield* submit(client, formOf({ a: "1" }))).text, `[{"a":"1"},true]`)
    })
  )

  it.live("JSON in a field or in a file of a form is decoded", () =>
    Effect.gen(function* () {
      const program: Program = Effect.map(
        HttpServerRequest.schemaBodyFormJson(Schema.Struct({ count: Schema.Number }))("data"),
        ({ count }) => HttpServerResponse.text(String(count + 1))
      )
      const { client } = yield* serve(way, program)
      for (const data of [`{"count":1}`, new File([`{"count":1}`], "data.json", { type: "application/json" })]) {
        assert.strictEqual((yield* submit(client, formOf({ data }))).text, "2")
      }
      const query = { method: "POST", content: `data=${encodeURIComponent(`{"count":1}`)}` }
      const headers = { "content-type": "application/x-www-form-urlencoded" }
      assert.strictEqual((yield* attempt(client, { ...query, headers })).text, "2")
    })
  )

  for (const [what, limit, reason, form] of [
    [
      "file",
      Effect.provideService(Multipart.MaxFileSize, ByteSize.fromInputUnsafe(100)),
      "FileTooLarge",
      { a: new File([large], "a") }
    ],
    [
      "field",
      Effect.provideService(Multipart.MaxFieldSize, ByteSize.fromInputUnsafe(100)),
      "FieldTooLarge",
      { a: "a".repeat(101) }
    ],
    ["number of parts", Effect.provideService(Multipart.MaxParts, 1), "TooManyParts", { a: "1", b: "2" }]
  ] as const) {
    it.live(`a form beyond the limit of its ${what} is refused, and the next one is served`, () =>
      Effect.gen(function* () {
        const program: Program = withRequest((request) =>
          Effect.match(Effect.asVoid(request.multipart), {
            onSuccess: () => HttpServerResponse.text("fits"),
            onFailure: ({ reason }) => HttpServerResponse.text(reason._tag, { status: 413 })
          })
        ).pipe(limit)
        const { client } = yield* serve(way, program)
        const { status, text } = yield* submit(client, formOf(form))
        assert.deepStrictEqual({ status, text }, { status: 413, text: reason })
        assert.strictEqual((yield* submit(client, formOf({ a: "1" }))).text, "fits")
      })
    )
  }

  it.live("what is no form, or one that ends early, is refused", () =>
    Effect.gen(function* () {
      const program: Program = withRequest((request) =>
        Effect.match(Effect.asVoid(request.multipart), {
          onSuccess: () => HttpServerResponse.text("a form"),
          onFailure: ({ reason }) => HttpServerResponse.text(reason._tag, { status: 400 })
        })
      )
      const { client } = yield* serve(way, program)
      const begun = `--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1`
      for (const [contentType, content] of [
        ["application/json", "{}"],
        ["multipart/form-data", begun],
        ["multipart/form-data; boundary=b", begun]
      ] as const) {
        const { status, text } = yield* attempt(client, {
          method: "POST",
          content,
          headers: { "content-type": contentType }
        })
        assert.deepStrictEqual({ status, text }, { status: 400, text: "Parse" }, contentType)
      }
    })
  )

  it.live("what is wrong with a form is answered with 400, or with 413 for its size, and not logged", () =>
    withLog(
      Effect.fnUntraced(function* (messages) {
        const program: Program = withRequest((request) =>
          Effect.as(request.multipart, HttpServerResponse.text("a form"))
        ).pipe(
          Effect.provideService(Multipart.MaxFileSize, ByteSize.fromInputUnsafe(10_000)),
          Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.fromInputUnsafe(20_000))
        )
        const { client } = yield* serve(way, program, { server: { maxBodySize: 60_000 } })
        const file = new File([pattern(9000)], "a")
        assert.strictEqual((yield* submit(client, formOf({ file }))).text, "a form")
        for (const [what, form] of [
          ["a file", { file: new File([pattern(11_000)], "a") }],
          ["all of it", { a: file, b: file, c: file }],
          ["all of it, for the server", { file: new File([large], "a") }]
        ] as const) {
          assert.strictEqual((yield* submit(client, formOf(form))).status, 413, what)
        }
        const headers = { "content-type": "multipart/form-data" }
        assert.strictEqual((yield* attempt(client, { method: "POST", content: "a", headers })).status, 400)
        assert.strictEqual((yield* submit(client, formOf({ file }))).text, "a form")
        assert.deepStrictEqual(messages, [])
      })
    )
  )

  it.live("files are stored side by side, whatever clients have named them", () =>
    Effect.gen(function* () {
      const program: Program = Effect.gen(function* () {
        const { files } = yield* HttpServerRequest.schemaBodyForm(Schema.Struct({ files: Multipart.FilesSchema }))
        const system = yield* FileSystem.FileSystem
        const contents = yield* Effect.forEach(files, ({ path }) => system.readFileString(path))
        return HttpServerResponse.jsonUnsafe(
          files.map(({ name, path }, index) => [name, dirname(path), contents[index]])
        )
      })
      const { client } = yield* serve(way, program)
      const names = ["same.txt", "same.txt", "../../up.txt", "übung ☃.txt"]
      const form = new FormData()
      for (const [index, name] of names.entries()) form.append("files", new File([`content ${index}`], name))
      const { text } = yield* submit(client, form)
      const stored = JSON.parse(text) as ReadonlyArray<readonly [name: string, folder: string, content: string]>
      assert.deepStrictEqual(
        stored.map(([name, , content]) => [name, content]),
        names.map((name, index) => [name, `content ${index}`])
      )
      assert.strictEqual(new Set(stored.map(([, folder]) => folder)).size, 1)
    })
  )

  it.live("a client that leaves in the middle of a form has its files removed", () =>
    Effect.gen(function* () {
      const folders: Array<string> = []
      const noting = (system: FileSystem.FileSystem): FileSystem.FileSystem => ({
        ...system,
        makeTempDirectoryScoped: (options) =>
          Effect.tap(system.makeTempDirectoryScoped(options), (path) => Effect.sync(() => folders.push(path)))
      })
      const exits: Array<string> = []
      const program: Program = withRequest((request) =>
        Effect.as(
          Effect.onExit(request.multipart, (exit) => Effect.sync(() => exits.push(String(exit)))),
          HttpServerResponse.empty()
        )
      ).pipe(Effect.updateService(FileSystem.FileSystem, noting))
      const { client } = yield* serve(way, program, { server: { maxBodySize: 0 } })
      const piece = Buffer.from(pattern(30_000))
      const start = `--b\r\nContent-Disposition: form-data; name="a"; filename="a.bin"\r\n\r\n`
      // More than can come before the client has looked.
      const content = [Buffer.from(start), ...Array.from({ length: 2000 }, () => piece)]
      const headers = { "content-type": "multipart/form-data; boundary=b" }
      const exchange = client.begin({ method: "POST", content, headers })
      const stored = (path: string) => existsSync(path) && readdirSync(path).length > 0
      yield* until("a part of the file is stored", () => folders.some(stored))
      exchange.abort()
      yield* until("it is removed", () => !folders.some((path) => existsSync(path)))
      // What ends early would be a failure to parse it.
      assert.match(exits.join(), /InternalError/)
    })
  )
})
