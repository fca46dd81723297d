import { assert, it } from "@effect/vitest"
import { ServerLoad } from "../../src/observe/ServerLoad.ts"

it("ServerLoad counts connections that are open, and applications that were started", () => {
  const load = new ServerLoad()
  load.connectionOpened()
  load.connectionOpened()
  load.connectionClosed()
  load.applicationStarted()
  load.applicationStarted()
  assert.deepStrictEqual({ ...load }, { connections: 1, requests: 2 })
})
