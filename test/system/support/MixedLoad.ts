/** Clients of `fixtures/observed.ts` that ask for all that it has. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Agent, get } from "node:http"
import { connect } from "node:net"

const clients = 12

/** What the number of a request stands for: of a hundred, one fails, two are slow, and some are not there. */
const pathOf = (number: number): string => {
  const rest = number % 100
  if (rest === 0) return `/orders/${number}`
  if (rest === 30 || rest === 60) return `/reports/${20 + (number % 7) * 40}`
  if (rest % 20 === 5) return `/missing/${number}`
  return rest % 20 === 15 ? "/moved" : `/products/${rest}?secret=1`
}

const ask = (agent: Agent, port: number, path: string): Promise<void> =>
  new Promise((resolve) => {
    get({ agent, host: "127.0.0.1", port, path }, (response) => {
      response.resume()
      response.on("close", resolve)
    }).on("error", () => setTimeout(resolve, 50)) // The server may be away.
  })

/** A request that no server may accept. */
const breakRules = (port: number): void => {
  const socket = connect(port, "127.0.0.1", () => socket.end("GET / HTTP/1.1\r\nHost: a\r\nNo Field: 1\r\n\r\n"))
  socket.on("error", () => {}).resume()
}

/** Makes requests until the scope closes. */
export const mixedLoad = (port: number): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.sync(() => {
        const agent = new Agent({ keepAlive: true, maxSockets: clients })
        const state = { isOver: false, number: 0, ended: Promise.resolve() as Promise<unknown> }
        const client = async (): Promise<void> => {
          while (!state.isOver) {
            const number = state.number++
            if (number % 500 === 0) breakRules(port)
            await ask(agent, port, pathOf(number))
            // Some hundred requests a second each are enough to see, and leave time for the browser.
            await new Promise((resolve) => setTimeout(resolve, 8))
          }
        }
        state.ended = Promise.all(Array.from({ length: clients }, client))
        return { agent, state }
      }),
      ({ agent, state }) =>
        Effect.promise(async () => {
          state.isOver = true
          await state.ended
          agent.destroy()
        })
    )
  )
