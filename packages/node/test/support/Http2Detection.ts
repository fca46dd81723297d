import { assert } from "@effect/vitest"
import type { HttpHandler } from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import type { Client } from "./Client.ts"
import { DATA, END_STREAM, framesOf, GOAWAY, HEADERS, SETTINGS } from "./Http2Raw.ts"
import { answer } from "./Server.ts"
import { until } from "./Until.ts"

/** Answers with the method and the version. */
export const app: HttpHandler<unknown> = (scope, receive, send) =>
  answer(`${scope.method} ${scope.httpVersion}`)(scope, receive, send)

const frames = (client: Client) => framesOf(client.bytes)

/** The types of frames that a client has received. */
export const typesOf = (client: Client) => frames(client).map(({ type }) => type)

/** Waits until there is content with which a stream ends. */
export const isAnswered = (client: Client, text = "GET 2") =>
  Effect.gen(function* () {
    yield* until("a response by HTTP/2 arrives", () =>
      frames(client).some(({ flags, type }) => type === DATA && (flags & END_STREAM) !== 0)
    )
    const content = frames(client).filter(({ type }) => type === DATA)
    assert.strictEqual(Buffer.concat(content.map(({ payload }) => payload)).toString(), text)
    assert.strictEqual(typesOf(client)[0], SETTINGS)
    assert.include(typesOf(client), HEADERS)
  })

/** The code of the GOAWAY with which a connection ends. */
export const goAwayCode = (client: Client): number | undefined =>
  frames(client)
    .findLast(({ type }) => type === GOAWAY)
    ?.payload.readUInt32BE(4)
