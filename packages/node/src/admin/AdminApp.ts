/**
 * The application of the admin listener: health, metrics, status, what happens from second to second, commands, and the
 * page that shows it all. docs/admin.md has what is at which path.
 */
import * as PagiApp from "@pagi/core/contract/PagiApp"
import type { SseReceiveEvent } from "@pagi/core/contract/Event"
import type { Receive } from "@pagi/core/contract/ReceiveSend"
import type { HttpScope, SseScope } from "@pagi/core/contract/Scope"
import { get, type HeaderBlock } from "@pagi/core/http/HeaderBlock"
import * as Exposition from "@pagi/core/metrics/Exposition"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createHash } from "node:crypto"
import { AdminAccess, type AccessRules, type AdminRequest } from "./AdminAccess.ts"
import type { AdminCommands, AdminSource, AdminStatus } from "./AdminSource.ts"
import * as Answer from "./Answer.ts"
import { EventHub } from "./EventHub.ts"
import { makeNow, untilNext } from "../process/MonotonicClock.ts"
import * as History from "./History.ts"
import type { PageFile } from "./PageFiles.ts"
import { RefusalLog } from "./RefusalLog.ts"
import { Pace, SharedAnswer } from "./SharedAnswer.ts"

/** The page, and what its responses say besides what they are. */
export interface Page {
  /** By the paths of their URLs; `/` is the page itself. */
  readonly files: ReadonlyMap<string, PageFile>
  readonly headers: HeaderBlock
}

export interface AdminSettings extends AccessRules {
  readonly source: AdminSource
  readonly page: Page
}

/** Milliseconds after which a client of events connects again. */
const retry = 1000

/** What is at a path, for each method that there is. */
interface Resource {
  readonly GET?: (request: AdminRequest) => Effect.Effect<Answer.Answer>
  readonly POST?: (request: AdminRequest) => Effect.Effect<Answer.Answer>
  /** Whether it may be asked for by any name of the host: it tells nothing that is not to be known. */
  readonly isPublic?: boolean
}

const allowOf = ({ GET, POST }: Resource): string =>
  [...(GET === undefined ? [] : ["GET", "HEAD"]), ...(POST === undefined ? [] : ["POST"])].join(", ")

const notFound = Answer.text(404, "there is nothing here; the dashboard is at /")

const misdirection =
  "the host of this request is neither an address, nor localhost, nor the name that the admin listener was set up with"

const misdirected = Answer.text(421, `${misdirection}; use one of these, or say the token: Authorization: Bearer TOKEN`)

const tooMany = Answer.text(503, "no more clients can listen to events; close a dashboard, or try again later", [
  ["retry-after", "5"]
])

/** What is at every path of an admin listener, but for the events. */
class Resources {
  readonly #settings: AdminSettings
  readonly #access: AdminAccess
  readonly #refusals: RefusalLog
  readonly #metrics: { readonly [As in Exposition.Format]: SharedAnswer<Answer.Answer> }
  /** By whether it is told over a Unix socket. */
  readonly #status: { readonly local: SharedAnswer<Answer.Answer>; readonly remote: SharedAnswer<Answer.Answer> }
  readonly #resources: ReadonlyMap<string, Resource>

  constructor(settings: AdminSettings, history: History.History, refusals: RefusalLog) {
    this.#settings = settings
    this.#access = new AdminAccess(settings)
    this.#refusals = refusals
    const pace = new Pace()
    const shared = (make: Effect.Effect<Answer.Answer>) => new SharedAnswer(pace, Effect.map(make, Answer.encode))
    const { source } = settings
    const metricsAs = (format: Exposition.Format) =>
      shared(
        Effect.map(source.metrics, (registry) =>
          Answer.metrics(Exposition.contentType[format], Exposition.format(registry, format))
        )
      )
    this.#metrics = { prometheus: metricsAs("prometheus"), openmetrics: metricsAs("openmetrics") }
    this.#status = { local: shared(this.#statusFor(true)), remote: shared(this.#statusFor(false)) }
    const past = shared(Effect.sync(() => Answer.jsonText(history.json)))
    const recent = shared(Effect.map(source.recent, (recent) => Answer.json(recent)))
    this.#resources = new Map<string, Resource>([
      ...[...settings.page.files].map(([path, file]) => [path, this.#file(file)] as const),
      ["/livez", { GET: () => Effect.succeed(Answer.text(200, "ok")), isPublic: true }],
      ["/readyz", { GET: () => this.#readiness, isPublic: true }],
      ["/metrics", { GET: ({ headers }) => this.#metrics[Exposition.negotiate(get(headers, "accept"))].get }],
      ["/status", { GET: ({ isLocal }) => this.#status[isLocal ? "local" : "remote"].get }],
      ["/history", { GET: () => past.get }],
      ["/recent", { GET: () => recent.get }],
      [
        "/events",
        { GET: () => Effect.succeed(Answer.text(406, "events are for clients that accept text/event-stream")) }
      ],
      ["/commands/reload", this.#command(({ reload }) => reload)],
      ["/commands/workers/add", this.#command(({ addWorker }) => addWorker)],
      ["/commands/workers/remove", this.#command(({ removeWorker }) => removeWorker)]
    ])
  }

  /** Whether a request for events is answered by events. */
  hasEvents(request: AdminRequest): boolean {
    return request.path === "/events" && request.method === "GET" && this.#access.isNamed(request)
  }

  answer(request: AdminRequest): Effect.Effect<Answer.Answer> {
    const resource = this.#resources.get(request.path)
    if (resource?.isPublic !== true && !this.#access.isNamed(request)) {
      this.#refuse(request, misdirection)
      return Effect.succeed(misdirected)
    }
    if (resource === undefined) return Effect.succeed(notFound)
    const { method } = request
    const run = method === "GET" || method === "HEAD" ? resource.GET : method === "POST" ? resource.POST : undefined
    if (run !== undefined) return run(request)
    const allow = allowOf(resource)
    return Effect.succeed(Answer.text(405, `only ${allow} can be done here`, [["allow", allow]]))
  }

  #file({ bytes, contentType }: PageFile): Resource {
    const etag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`
    const headers: HeaderBlock = [["content-type", contentType], ["etag", etag], ...this.#settings.page.headers]
    const whole: Answer.Answer = { status: 200, headers, body: bytes }
    const unchanged: Answer.Answer = { status: 304, headers: headers.slice(1), body: "" }
    return {
      GET: ({ headers }) => Effect.succeed(hasTag(get(headers, "if-none-match"), etag) ? unchanged : whole)
    }
  }

  readonly #readiness: Effect.Effect<Answer.Answer> = Effect.suspend(() =>
    Effect.map(this.#settings.source.readiness, ({ isReady, problems }) =>
      isReady
        ? Answer.text(200, "ready")
        : Answer.text(
            503,
            ["not ready", ...Object.entries(problems).map(([name, problem]) => `${name}: ${problem}`)].join("\n")
          )
    )
  )

  #statusFor(isLocal: boolean): Effect.Effect<Answer.Answer> {
    const { commands, status } = this.#settings.source
    const access = commands === undefined ? "none" : this.#access.commandsOver(isLocal)
    return Effect.map(status, (status) => Answer.json({ ...status, commands: access } satisfies AdminStatus))
  }

  #refuse({ client, method, path }: AdminRequest, reason: string): void {
    this.#refusals.add({ method, path: this.#resources.has(path) ? path : undefined, client, reason })
  }

  #command(select: (commands: AdminCommands) => Effect.Effect<void>): Resource {
    return {
      POST: (request) => {
        const denial = this.#access.denialOf(request)
        if (denial !== undefined) {
          this.#refuse(request, denial.reason)
          const challenge: HeaderBlock = denial.status === 401 ? [["www-authenticate", "Bearer"]] : []
          return Effect.succeed(Answer.text(denial.status, denial.reason, challenge))
        }
        const { commands } = this.#settings.source
        if (commands === undefined) {
          return Effect.succeed(Answer.text(409, "only a server with workers can do that"))
        }
        return Effect.as(select(commands), Answer.text(202, "accepted"))
      }
    }
  }
}

const hasTag = (list: string | undefined, etag: string): boolean =>
  list?.split(",").some((one) => one.trim().replace(/^W\//, "") === etag || one.trim() === "*") === true

const requestOf = ({ client, headers, method, path, server }: HttpScope | SseScope): AdminRequest => ({
  method,
  path,
  headers,
  client,
  isLocal: server !== undefined && server[1] === null
})

/** Adds every second to the history when it is over, and tells those who listen. */
const record = (source: AdminSource, history: History.History, hub: EventHub): Effect.Effect<never> =>
  Effect.flatMap(makeNow, (now) => {
    const tell = Effect.gen(function* () {
      const current = now()
      const time = Math.floor(current / History.second) * History.second
      const at = Math.round((yield* Clock.currentTimeMillis) - (current - time))
      const processes = yield* source.readings(time)
      const [status, marks] = [yield* source.status, yield* source.takeMarks]
      for (const point of history.add({ at, time, processes, status, marks })) hub.publish(point)
    })
    return tell.pipe(
      // One second that could not be told is no reason to tell no other.
      Effect.catchCause((cause) => Effect.logError("the admin listener could not record what happens", cause)),
      Effect.andThen(untilNext(now, History.second)),
      Effect.forever
    )
  })

/** Completes when the client of an event stream has left. */
const left = (receive: Receive<SseReceiveEvent>): Effect.Effect<void> =>
  Effect.gen(function* () {
    while ((yield* receive).type !== "sse.disconnect");
  })

/** Makes the application, which records from now on until the scope closes. */
export const make = (
  settings: AdminSettings
): Effect.Effect<PagiApp.Application<unknown, Scope.Scope>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const history = new History.History()
    const hub = new EventHub()
    const refusals = new RefusalLog()
    const resources = new Resources(settings, history, refusals)
    yield* Effect.forkScoped(refusals.run)
    yield* Effect.forkScoped(record(settings.source, history, hub))
    return PagiApp.make({
      http: (scope, _receive, send) =>
        Effect.flatMap(resources.answer(requestOf(scope)), (answer) => Answer.send(send, answer)),
      sse: (scope, receive, send) =>
        Effect.gen(function* () {
          const request = requestOf(scope)
          if (!resources.hasEvents(request)) {
            return yield* Answer.decline(send, yield* resources.answer(request))
          }
          if (!hub.hasRoom) return yield* Answer.decline(send, tooMany)
          const { dropped, take } = yield* hub.listen
          yield* send({ type: "sse.start", headers: [["x-content-type-options", "nosniff"]] })
          yield* send({ type: "sse.comment", comment: "one point a second" })
          const pump = Effect.forever(
            Effect.flatMap(take, (data) => send({ type: "sse.send", event: "point", data, retry }))
          )
          yield* Effect.raceAllFirst([pump, dropped, left(receive)])
        })
    })
  })
