/** Exports of modules, as a server that is a process of its own takes them. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import * as Program from "./Program.ts"

export const fixture = (name: string): string => join(import.meta.dirname, "../fixtures", name)

export const serve = (reference: string, flags: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const program = yield* Program.start(["--port", "0", "--no-access-log", ...flags, fixture(reference)])
    return { program, address: yield* Program.address(program) }
  })

/** Fails where there is no answer. */
export const ask = (url: string, init?: RequestInit): Effect.Effect<Response> => Effect.promise(() => fetch(url, init))

export const textOf = (url: string, init?: RequestInit): Effect.Effect<string> =>
  Effect.flatMap(ask(url, init), (response) => Effect.promise(() => response.text()))

/** How messages name what a reference is about. */
export const subjectOf = (reference: string): string => {
  const [, name] = /:(\w+)$/.exec(reference) ?? []
  return name === undefined ? "the default export" : `the export "${name}"`
}

/** Expects an export to answer, and to be named in the log in these words. */
export const answers = ({ path, reference, text, words }: Served) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { address, program } = yield* serve(reference, ["--log-level", "debug"])
      assert.strictEqual(yield* textOf(address + path), text)
      const [, found] = yield* program.line(/^debug: (the (?:default )?export.*)$/m)
      assert.isTrue(found?.startsWith(`${subjectOf(reference)} of `), found)
      assert.isTrue(found?.endsWith(` is ${words}`), found)
      yield* program.signal("SIGTERM")
      assert.strictEqual((yield* program.result).code, 0)
    })
  )

const refused = ({ line, reference }: Refused, { code, stderr }: Program.Result): void => {
  const path = fixture(reference.replace(/:\w+$/, ""))
  const errors = stderr.split("\n").filter((text) => text.startsWith("error: "))
  assert.deepStrictEqual([code, errors], [4, [`error: cannot load ${path}: ${line}`]])
}

const refusal = ({ reference }: Refused, env: Readonly<Record<string, string>> = {}) =>
  Program.run(["--port", "0", fixture(reference)], { env })

/** Expects the command to refuse an export, with this line and exit code 4. */
export const refuses = (one: Refused) => Effect.map(refusal(one), (result) => refused(one, result))

/** The same of one that never completes but serves. By when it does is the machine's affair. */
export const givesUp = (one: (seconds: number) => Refused) =>
  Effect.gen(function* () {
    for (const seconds of [1, 4, 16]) {
      const result = yield* refusal(one(seconds), { PAGI_BOOT_TIMEOUT: `${seconds}s` })
      if (result.stderr.includes(", but serves;")) return refused(one(seconds), result)
    }
    assert.fail("it never serves")
  })

/** An export that can be served. */
export interface Served {
  readonly reference: string
  /** What to ask for, behind the first slash. */
  readonly path: string
  /** What it answers. */
  readonly text: string
  /** What it is, as the log says. */
  readonly words: string
}

const plain = "a program of Effect's HttpServer"

const served = (reference: string, path: string, text: string, words: string): Served => ({
  reference,
  path,
  text,
  words
})

export const programs: ReadonlyArray<Served> = [
  served("programs.ts", "", "router, stored", "a Layer that serves an HttpRouter"),
  served("programs.ts:plain", "", "plain", `a Layer that serves ${plain}`),
  served("programs.ts:serving", "", "serving", `an Effect that serves ${plain}`),
  served("programs.ts:httpEffect", "a?b", "effect /a?b", "an Effect that responds"),
  served("programs.ts:constant", "", "constant", "an Effect that responds"),
  served("programs.ts:toHttpEffect", "", "to effect", "an Effect that yields one that responds"),
  served("programs.ts:application", "", "exists: true", "an Effect that yields an application of PAGI for http"),
  served("built.mts:layer", "", "from a Layer", "a Layer that provides PagiApp"),
  served("default.ts", "", "default", "an application of PAGI for http")
]

export const fetchHandlers: ReadonlyArray<Served> = [
  served("fetching.ts", "a", "object /a", "an object with fetch"),
  served("fetching.ts:handler", "a", "function /a", "a fetch function"),
  served("fetching.ts:framework", "a", "framework /a", "an object with fetch"),
  served("fetching.ts:yielded", "a", "function /a", "an Effect that yields a fetch function")
]

/** An export that cannot be served. */
export interface Refused {
  readonly reference: string
  /** What the command says of it. */
  readonly line: string
}

const route = "give routes to HttpRouter.serve, or a program to HttpServer.serve, without a server of its own"
const neither = `is a Layer that neither provides PagiApp nor serves; ${route} such as NodeHttpServer.layer`

export const unusable: ReadonlyArray<Refused> = [
  {
    reference: "programs.ts:unserved",
    line: 'the export "unserved" failed: Service not found: effect/http/HttpRouter; export HttpRouter.serve(routes) in place of the routes'
  },
  { reference: "programs.ts:other", line: `the export "other" ${neither}` },
  { reference: "programs.ts:ownServer", line: `the export "ownServer" ${neither}` },
  {
    reference: "programs.ts:both",
    line: 'the export "both" is a Layer that both provides PagiApp and serves; give one of them to the other, by PagiApp.fromHttpEffect for instance'
  },
  {
    reference: "programs.ts:lacking",
    line: 'the export "lacking" failed: Service not found: test/Store; what the module exports has to provide it, by Layer.provide or Effect.provide'
  },
  {
    reference: "programs.ts:early",
    line: 'the export "early" failed: Service not found: effect/http/HttpServerRequest; there are requests in handlers only, and not while a Layer is built'
  },
  {
    reference: "programs.ts:nested",
    line: 'what the export "nested" yields is a Layer; give the Effect to Layer.unwrap'
  },
  {
    reference: "programs.ts:response",
    line: 'the export "response" is an HttpServerResponse; export what makes one for each request, such as (request) => new Response(text)'
  },
  {
    reference: "programs.ts:webHandler",
    line: 'the export "webHandler" is an object with dispose, handler; export the Layer of HttpRouter.serve in place of what HttpRouter.toWebHandler gives'
  },
  {
    reference: "fetching.ts:ambiguous",
    line: 'the export "ambiguous" is a function without parameters, which can be a fetch handler or an application; say which by PagiApp.fromFetch(handler), or by the parameters (scope, receive, send)'
  }
]

/** One that serves, and never completes, when it is given up after so many seconds. */
export const launched = (seconds: number): Refused => ({
  reference: "programs.ts:launched",
  line: `the export "launched" has not completed within ${seconds}s (bootTimeout), but serves; export the Layer itself in place of Layer.launch`
})
